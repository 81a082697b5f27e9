/** Key, language, appearance. */
import { useState } from 'preact/hooks';
import { language } from '../language.ts';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { TextField } from '../parts/field.tsx';
import { access, apiKey } from '../server/access.ts';
import { THEMES, theme } from '../theme.ts';
import { say } from './words.ts';

const ICONS = { system: 'half', light: 'sun', dark: 'moon' } as const;

export function Settings() {
  const [asksKey, setAsksKey] = useState(false);
  const now = say().theme(say().themes[theme.value]);
  return (
    <div class="shell-settings">
      {access !== 'open' && (
        <Button kind="quiet" small icon="key" onClick={() => setAsksKey(true)}>
          {say().key}
        </Button>
      )}
      <Button kind="quiet" small lang={say().otherLanguage} onClick={switchLanguage}>
        {say().other}
      </Button>
      <Button kind="quiet" small icon={ICONS[theme.value]} aria-label={now} title={now} onClick={nextTheme} />
      {asksKey && <KeyDialog onClose={() => setAsksKey(false)} />}
    </div>
  );
}

function KeyDialog({ onClose }: { readonly onClose: () => void }) {
  const [key, setKey] = useState(apiKey.peek());
  const use = (text: string) => {
    apiKey.value = text.trim();
    onClose();
  };
  const submit = (event: Event) => {
    event.preventDefault();
    use(key);
  };
  return (
    <Dialog title={say().keyTitle} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <TextField
          type="password"
          label={say().keyLabel}
          hint={say().keyHint}
          value={key}
          onValue={setKey}
          autocomplete="off"
        />
        {access === 'accounts' && <p class="small-text faint">{say().keyOfAccount}</p>}
        <div class="row">
          <Button kind="main" type="submit">
            {say().keep}
          </Button>
          <Button onClick={() => use('')}>{say().forget}</Button>
        </div>
      </form>
    </Dialog>
  );
}

function switchLanguage(): void {
  language.value = language.value === 'zh' ? 'en' : 'zh';
}

function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]!;
}
