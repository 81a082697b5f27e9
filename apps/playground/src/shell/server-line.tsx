/** Whether the server answers, and which models it has. */
import { models, serverState } from '../server/models.ts';
import { say } from './words.ts';

export function ServerLine() {
  const { kind } = serverState.value;
  const [first] = models.value;
  const count = models.value.length;
  const ready = kind === 'ready' && first !== undefined;
  return (
    <p class={`shell-server ${kind}`} role="status">
      <span class="shell-dot" aria-hidden="true" />
      <span class="shell-server-words">
        {ready ? (count === 1 ? first.id : `${first.id} ${say().more(count)}`) : say().states[kind]}
      </span>
    </p>
  );
}
