/** Whether a text satisfies a constraint, in time that grows with its length alone: expressions of strangers may be tried so. */
import { Automaton, type State } from './automaton.ts';
import { type AnswerConstraint, grammarOf } from './compile-constraint.ts';
import { Network } from './network.ts';

/** @throws InferenceError INFERENCE_BAD_OPTION that says what is wrong with the constraint */
export function satisfies(text: string, constraint: AnswerConstraint): boolean {
  const automaton = new Automaton(new Network(grammarOf(constraint)));
  let state: State | null = automaton.start;
  for (const byte of new TextEncoder().encode(text)) {
    state = automaton.step(state, byte);
    if (state === null) return false;
  }
  return state.accepts;
}
