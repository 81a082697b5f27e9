/** A message to whoever uses the page: something failed, is missing, or is worth knowing. */
import type { ComponentChildren } from 'preact';
import './notice.css';

interface NoticeProps {
  /** `alarm` interrupts a screen reader; the others wait. */
  readonly kind?: 'alarm' | 'hint' | 'good';
  readonly children: ComponentChildren;
}

export function Notice({ kind = 'hint', children }: NoticeProps) {
  return (
    <div class={`notice ${kind}`} role={kind === 'alarm' ? 'alert' : 'status'}>
      {children}
    </div>
  );
}
