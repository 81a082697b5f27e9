/** What a component asks of the server below `/accounts`: read when it is drawn, and changed when a button is pressed. */
import { useEffect, useState } from 'preact/hooks';
import { askAccount } from './account.ts';
import { ServerError } from './ask.ts';

export interface Answer<T> {
  /** Absent until it is there; the last one stands while it is asked again. */
  readonly value: T | undefined;
  /** In the server's own words. */
  readonly refusal: string | undefined;
  /** Asks again. */
  readonly again: () => void;
}

/** `addressWith('usage', { from })`; what is undefined is left out. */
export function addressWith(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

type Ask = <T>(path: string, asked: { readonly signal: AbortSignal }) => Promise<T>;

/** @param path behind `/accounts/`, or what `how` takes; asked again when it changes */
export function useAnswer<T>(path: string, how: Ask = askAccount): Answer<T> {
  const [value, setValue] = useState<T>();
  const [refusal, setRefusal] = useState<string>();
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    how<T>(path, { signal: abort.signal }).then(
      (answer) => {
        setValue(() => answer);
        setRefusal(undefined);
      },
      (error: Error) => abort.signal.aborted || setRefusal(error.message),
    );
    return () => abort.abort();
  }, [path, turn]);
  return { value, refusal, again: () => setTurn((before) => before + 1) };
}

export interface Action {
  readonly busy: boolean;
  readonly failure: ServerError | undefined;
  /** @returns whether it was done */
  readonly act: (work: () => Promise<unknown>) => Promise<boolean>;
  /** What is wrong with a field of a form, where the server names the field. */
  readonly wrong: (field: string) => string | undefined;
  /** What is wrong with none of the named fields. */
  readonly other: (...fields: readonly string[]) => string | undefined;
}

/** Something that is done once at a time, and may be refused. */
export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ServerError>();
  const act = async (work: () => Promise<unknown>): Promise<boolean> => {
    setBusy(true);
    setFailure(undefined);
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      setFailure(error);
      return false;
    } finally {
      setBusy(false);
    }
  };
  const isOf = (field: string) => failure?.param === field;
  return {
    ...{ busy, failure, act },
    wrong: (field) => (isOf(field) ? failure?.message : undefined),
    other: (...fields) => (fields.some(isOf) ? undefined : failure?.message),
  };
}
