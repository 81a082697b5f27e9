/** A run as it stands, followed: what its log has had appended is asked for from where the last answer ended. */
import type { WorkspaceLog, WorkspaceRunDetails } from '@tunan/protocol';
import { useEffect, useState } from 'preact/hooks';
import { ServerError } from '../../server/ask.ts';
import { askWorkspace } from '../../server/workspace.ts';

const RUNNING_MILLISECONDS = 2_000;
/** Somebody may go on with it. */
const STOPPED_MILLISECONDS = 10_000;
/** Lines beyond which the curve is asked for again, thinned. */
const MOST_LINES = 3_000;

export interface FollowedRun {
  readonly run: WorkspaceRunDetails | undefined;
  /** Why there is nothing newer; what was there before stands. */
  readonly refusal: string | undefined;
}

export function useRun(id: string): FollowedRun {
  const [run, setRun] = useState<WorkspaceRunDetails>();
  const [refusal, setRefusal] = useState<string>();
  useEffect(() => {
    const abort = new AbortController();
    void follow(id, abort.signal, setRun, setRefusal);
    return () => abort.abort();
  }, [id]);
  return { run, refusal };
}

async function follow(
  id: string,
  signal: AbortSignal,
  onRun: (run: WorkspaceRunDetails) => void,
  onRefusal: (why: string | undefined) => void,
): Promise<void> {
  let run: WorkspaceRunDetails | undefined;
  while (!signal.aborted) {
    try {
      run = run === undefined ? await askWorkspace(`runs/${id}`, { signal }) : await next(run, signal);
      onRefusal(undefined);
      if (run !== undefined) onRun(run);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ServerError)) throw error;
      onRefusal(error.message);
      // No server: it may come back. Anything else stays as it is.
      if (error.status !== undefined && error.status < 500) return;
    }
    await pause(run?.is_running === false ? STOPPED_MILLISECONDS : RUNNING_MILLISECONDS, signal);
  }
}

/** @returns undefined where all is to be asked for again */
async function next(run: WorkspaceRunDetails, signal: AbortSignal): Promise<WorkspaceRunDetails | undefined> {
  const log = await askWorkspace<WorkspaceLog>(`runs/${run.id}/log?offset=${run.offset}`, { signal });
  const curve = [...run.curve, ...log.lines];
  if (log.restarted || curve.length > MOST_LINES) return await askWorkspace(`runs/${run.id}`, { signal });
  const last = log.lines.at(-1);
  return {
    ...run,
    ...(last !== undefined && {
      ...{ step: last.step, tokens: last.tokens, loss: last.loss, tokens_per_second: last.tokens_per_second },
    }),
    ...{ is_running: log.is_running, offset: log.offset, curve },
    evaluations: [...run.evaluations, ...log.evaluations],
  };
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
