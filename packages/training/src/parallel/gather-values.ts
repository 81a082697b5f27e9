/** Small values of any kind told between ranks, beside the tensors. */
import { deserialize, serialize } from 'node:v8';
import { type Device, noGrad, type ProcessGroup, scope, tensor, zeros } from '@tunan/torch';

/**
 * What every rank of a group gives, in the order of the ranks. Everybody waits for everybody.
 * @param patient whether as long as all live: where ranks have work of their own to do first
 */
export function gatherValues<T>(group: ProcessGroup, value: T, device: Device = 'cpu', patient = false): T[] {
  if (group.size === 1) return [value];
  return noGrad(() =>
    scope(() => {
      const bytes = new Uint8Array(serialize(value));
      const lengths = zeros([group.size], { dtype: 'int64', device });
      const length = tensor([bytes.length], { dtype: 'int64', device });
      group.startAllGather(lengths, length).wait(patient);
      const all = Array.from(lengths.toArray() as BigInt64Array, Number);
      const longest = Math.max(...all);
      const padded = new Uint8Array(longest);
      padded.set(bytes);
      const gathered = zeros([group.size, longest], { dtype: 'uint8', device });
      group.allGather(gathered, tensor(padded, { device }));
      const flat = gathered.toArray() as Uint8Array;
      return all.map((length, rank) => deserialize(flat.subarray(rank * longest, rank * longest + length)) as T);
    }),
  );
}

/** What `root` gives. The others wait as long as it takes, if it lives. */
export function tellAll<T>(group: ProcessGroup, value: T | undefined, root: number, device: Device = 'cpu'): T {
  if (group.size === 1) return value as T;
  return noGrad(() =>
    scope(() => {
      const bytes = group.rank === root ? new Uint8Array(serialize(value)) : new Uint8Array();
      const length = tensor([bytes.length], { dtype: 'int64', device });
      group.startBroadcast(length, root).wait(true);
      const told = group.rank === root ? tensor(bytes, { device }) : zeros([length.item()], { dtype: 'uint8', device });
      group.broadcast(told, root);
      return deserialize(told.toArray() as Uint8Array) as T;
    }),
  );
}
