/**
 * Explicit lifetimes. Tensors own memory that the garbage collector does not see in time: a training loop that leans on it grows
 * without bound. `scope()` frees all tensors made inside, but the returned ones.
 */

interface Owned {
  readonly disposed: boolean;
  dispose(): void;
}

const open: Set<Owned>[] = [];

/** Called by every new tensor. */
export function own(tensor: Owned): void {
  open.at(-1)?.add(tensor);
}

/** Called by a disposed tensor, so that a long scope does not collect dead entries. */
export function disown(tensor: Owned): void {
  for (const frame of open) frame.delete(tensor);
}

function visit(value: unknown, found: (tensor: Owned) => void, isTensor: (value: unknown) => value is Owned): void {
  if (isTensor(value)) {
    found(value);
  } else if (Array.isArray(value) || value instanceof Set) {
    for (const item of value) visit(item, found, isTensor);
  } else if (value instanceof Map) {
    for (const item of value.values()) visit(item, found, isTensor);
  } else if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) visit(item, found, isTensor);
  }
}

function isOwned(value: unknown): value is Owned {
  return typeof value === 'object' && value !== null && 'disposed' in value && 'dispose' in value;
}

/** Takes tensors out of all open scopes: they live until disposed. */
export function keep<T>(value: T): T {
  visit(
    value,
    (tensor) => {
      for (const frame of open) frame.delete(tensor);
    },
    isOwned,
  );
  return value;
}

/**
 * Runs `body`; frees every tensor made inside, except those in its result (a tensor, or tensors in arrays, plain objects, maps
 * and sets) and those given to `keep`. Scopes nest: a result belongs to the scope around.
 * @throws Error where `body` is asynchronous: another task's tensors would end in this scope.
 */
export function scope<T>(body: () => T): T {
  const frame = new Set<Owned>();
  open.push(frame);
  let result: T | undefined;
  try {
    result = body();
    if (result instanceof Promise)
      throw new Error('scope() takes a synchronous function; open one scope per step instead');
    return result;
  } finally {
    open.pop();
    visit(
      result,
      (tensor) => {
        if (frame.delete(tensor)) own(tensor);
      },
      isOwned,
    );
    for (const tensor of frame) tensor.dispose();
  }
}
