/** A share as a bar, beside its figure in a table. */
const WIDTH = 100;

export function ShareBar({ share, dropped = false }: { readonly share: number; readonly dropped?: boolean }) {
  const width = Math.min(1, Math.max(0, share)) * WIDTH;
  return (
    <svg
      class={dropped ? 'place-share dropped' : 'place-share'}
      viewBox={`0 0 ${WIDTH} 6`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <rect width={WIDTH} height="6" rx="1" />
      <rect width={width} height="6" rx="1" />
    </svg>
  );
}
