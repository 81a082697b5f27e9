/** Why a page or a text is turned away. `reason` is a short kebab-case name that reports group by; `detail` the proof. */
export type Rejection = { reason: string; detail?: string };

export function isRejection<T extends object>(result: T | Rejection): result is Rejection {
  return 'reason' in result;
}
