/**
 * What the messages between the stages of a pipeline go through: for each pass a group of two for every stage and the one behind it. So all
 * messages of a group go the same way, and both stages have them in the order of the schedule (a test plays all through). Where messages
 * between two ranks go one behind the other, whichever way each goes, as those of NCCL do, a stage that sends a stream while its neighbour
 * sends it a gradient would else wait for ever, and so would the neighbour.
 */
import type { ProcessGroup } from '@tunan/torch';
import type { PipelineShape, PipelineTask } from './pipeline-schedule.ts';

/** One way of messages. */
interface Channel {
  readonly pass: PipelineTask['pass'];
  /** Stages. */
  readonly from: number;
  readonly to: number;
}

/** In one order on all ranks, in which they meet in the groups. */
export function channelsOf({ stages, chunks }: Pick<PipelineShape, 'stages' | 'chunks'>): Channel[] {
  return (['forward', 'backward'] as const).flatMap((pass) =>
    Array.from({ length: stages }, (_, stage) => stage)
      .filter((stage) => chunks > 1 || stage < stages - 1)
      .map((stage) => {
        const next = (stage + 1) % stages;
        return pass === 'forward' ? { pass, from: stage, to: next } : { pass, from: next, to: stage };
      }),
  );
}

/** The groups of one stage for each pass. In each the sender is rank 0, the receiver rank 1. */
export interface PipelineChannels {
  readonly from: Readonly<Record<PipelineTask['pass'], ProcessGroup | undefined>>;
  readonly to: Readonly<Record<PipelineTask['pass'], ProcessGroup | undefined>>;
}

export function openChannels(group: ProcessGroup, chunks: number): PipelineChannels {
  const from: Record<PipelineTask['pass'], ProcessGroup | undefined> = { forward: undefined, backward: undefined };
  const to = { ...from };
  for (const channel of channelsOf({ stages: group.size, chunks })) {
    const pair = group.newGroup([channel.from, channel.to]);
    if (channel.from === group.rank) to[channel.pass] = pair;
    else if (channel.to === group.rank) from[channel.pass] = pair;
  }
  return { from, to };
}
