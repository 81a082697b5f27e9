/** Text for another program, with a button that copies it. */
import { useState } from 'preact/hooks';
import { words } from '../language.ts';
import { Button } from './button.tsx';
import './code.css';

const say = words(
  { copy: '复制', copied: '已复制', refused: '浏览器不允许复制' },
  { copy: 'Copy', copied: 'Copied', refused: 'The browser does not allow copying' },
);
const TOLD_MILLISECONDS = 2_000;

export function Code({ label, text }: { readonly label: string; readonly text: string }) {
  return (
    <div class="code">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard */}
      <section class="code-frame" tabIndex={0} aria-label={label}>
        <pre>
          <code>{text}</code>
        </pre>
      </section>
      <CopyButton text={text} />
    </div>
  );
}

export function CopyButton({ text, label }: { readonly text: string; readonly label?: string }) {
  const [told, setTold] = useState<'copied' | 'refused'>();
  const copy = async () => {
    setTold(await copied(text));
    setTimeout(() => setTold(undefined), TOLD_MILLISECONDS);
  };
  return (
    <Button small icon={told === 'copied' ? 'check' : 'copy'} disabled={text === ''} onClick={copy}>
      <span aria-live="polite">{told === undefined ? (label ?? say().copy) : say()[told]}</span>
    </Button>
  );
}

async function copied(text: string): Promise<'copied' | 'refused'> {
  try {
    await navigator.clipboard.writeText(text);
    return 'copied';
  } catch {
    // Without permission, or where the page is not served securely: there is no clipboard at all. Selecting by hand still works.
    return 'refused';
  }
}
