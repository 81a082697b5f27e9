/**
 * Values that outlive the page: a signal that is written to the browser's storage a moment after it changes, and at once when the page is
 * left. What is found there is never trusted: whatever is not of the form asked for counts as absent.
 */
import { effect, type Signal, signal } from '@preact/signals';

const MOMENT_MILLISECONDS = 250;
const pending = new Map<string, () => void>();

/** Set where the browser refuses to keep something (storage full or forbidden): then a reload would lose it, which is said. */
export const keepingFails = signal(false);

/** @param isRight whether what was kept has the form of today */
export function kept<T>(
  name: string,
  initial: T,
  isRight: (value: unknown) => value is T,
  storage = localStorageOf(),
): Signal<T> {
  const place = `tunan.${name}`;
  const value = signal(read(storage, place, isRight) ?? initial);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let first = true;
  effect(() => {
    const current = value.value;
    if (first) {
      first = false;
      return;
    }
    pending.set(place, () => write(storage, place, current));
    clearTimeout(timer);
    timer = setTimeout(() => settle(place), MOMENT_MILLISECONDS);
  });
  return value;
}

/** Of this tab alone, and gone with it: for keys. */
export function keptInTab<T>(name: string, initial: T, isRight: (value: unknown) => value is T): Signal<T> {
  return kept(name, initial, isRight, storageOf('sessionStorage'));
}

export const isText = (value: unknown): value is string => typeof value === 'string';
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function settle(place: string): void {
  pending.get(place)?.();
  pending.delete(place);
}

// Neither event alone is certain on every browser.
for (const event of ['pagehide', 'visibilitychange']) {
  addEventListener(event, () => {
    for (const place of [...pending.keys()]) settle(place);
  });
}

function localStorageOf(): Storage | undefined {
  return storageOf('localStorage');
}

/** Absent where the browser forbids it. */
function storageOf(which: 'localStorage' | 'sessionStorage'): Storage | undefined {
  try {
    return globalThis[which];
  } catch (error) {
    if (error instanceof DOMException) return undefined;
    throw error;
  }
}

function read<T>(storage: Storage | undefined, place: string, isRight: (value: unknown) => value is T): T | undefined {
  const text = storage?.getItem(place);
  if (text === null || text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isRight(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function write(storage: Storage | undefined, place: string, value: unknown): void {
  try {
    if (storage === undefined) throw new DOMException('no storage', 'SecurityError');
    storage.setItem(place, JSON.stringify(value));
    keepingFails.value = false;
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    keepingFails.value = true;
  }
}
