import type { WorkspaceRun } from '@tunan/protocol';
import { StateMark } from '../../parts/state-mark.tsx';
import { say } from './words.ts';

export function RunState({ of }: { readonly of: Pick<WorkspaceRun, 'is_running' | 'step' | 'steps'> }) {
  if (of.is_running) return <StateMark kind="waiting">{say().running}</StateMark>;
  const isDone = of.step >= of.steps;
  return <StateMark kind={isDone ? 'good' : 'ended'}>{isDone ? say().done : say().stopped}</StateMark>;
}
