/** Puts something that floats below what it belongs to, or above where there is no room; never beyond the sides of the window. */
const GAP = 6;

/** @param floating is shown already, `position: fixed` */
export function placeBeside(anchor: Element, floating: HTMLElement): void {
  const at = anchor.getBoundingClientRect();
  const { width, height } = floating.getBoundingClientRect();
  const left = Math.min(Math.max(GAP, at.left + at.width / 2 - width / 2), innerWidth - width - GAP);
  const below = at.bottom + GAP;
  floating.style.left = `${left}px`;
  floating.style.top = `${below + height > innerHeight ? Math.max(GAP, at.top - height - GAP) : below}px`;
}
