/** A question mark that explains what it stands beside: when pointed at, when it has the focus, when tapped; Escape closes it. */
import type { ComponentChildren } from 'preact';
import { useId, useRef } from 'preact/hooks';
import { words } from '../language.ts';
import { Icon } from './icon.tsx';
import { placeBeside } from './place-beside.ts';
import './help.css';

const say = words({ explain: (about: string) => `说明：${about}` }, { explain: (about) => `Explanation: ${about}` });

export function Help({ about, children }: { readonly about: string; readonly children: ComponentChildren }) {
  const id = useId();
  const mark = useRef<HTMLButtonElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const show = () => {
    if (mark.current === null || tip.current === null) return;
    tip.current.showPopover();
    placeBeside(mark.current, tip.current);
  };
  const hide = () => tip.current?.hidePopover();
  return (
    <>
      <button
        type="button"
        class="help-mark"
        ref={mark}
        aria-label={say().explain(about)}
        aria-describedby={id}
        onMouseEnter={show}
        onMouseLeave={hide}
        onFocus={show}
        onBlur={hide}
        onClick={show}
        onKeyDown={(event) => event.key === 'Escape' && hide()}
      >
        <Icon name="help" />
      </button>
      <div class="help-tip" popover="manual" role="tooltip" id={id} ref={tip}>
        {children}
      </div>
    </>
  );
}
