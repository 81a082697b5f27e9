/**
 * Where a number that is not finite comes from, once a step has given one: its passes are made again, and every number that ranks tell each
 * other is looked at. A rank whose own numbers are wrong before a wrong one has come to it from elsewhere is at fault. So training itself pays
 * nothing for it; what does not come again was no fault of weights, data or code.
 */
import type { Said } from '@tunan/protocol/mistakes';
import type { Mesh } from './mesh.ts';

/**
 * Called by every rank.
 * @param again makes the passes of the step again, up to the sums of the gradients; tells whether the own loss and gradients were finite before
 */
export function ranksAtFault(mesh: Mesh, again: () => boolean): number[] {
  mesh.world.watchNumbers();
  const wasFinite = again();
  const { gave, got } = mesh.world.watchedNumbers();
  return mesh.gather(gave || (!wasFinite && !got)).flatMap((made, rank) => (made ? [rank] : []));
}

/** What is said of them behind what was not finite; nothing where a process is alone. */
export function sayAtFault(ranks: readonly number[], size: number): Said {
  if (size === 1) return { en: '', zh: '' };
  if (ranks.length === 0)
    return {
      en: ', but not when the step was computed again: a processor or device may be faulty',
      zh: '，但重算该步时并未再现：处理器或设备可能有故障',
    };
  const list = ranks.join(', ');
  return {
    en: `, first on ${ranks.length === 1 ? 'rank' : 'ranks'} ${list} of ${size}`,
    zh: `，首先出现在进程 ${list}（共 ${size} 个）`,
  };
}
