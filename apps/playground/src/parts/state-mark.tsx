/** A word that says how something stands: works, waits, has ended. */
import type { ComponentChildren } from 'preact';
import './state-mark.css';

interface StateMarkProps {
  readonly kind: 'good' | 'waiting' | 'ended' | 'bad';
  readonly children: ComponentChildren;
}

export function StateMark({ kind, children }: StateMarkProps) {
  return <span class={`state-mark ${kind}`}>{children}</span>;
}
