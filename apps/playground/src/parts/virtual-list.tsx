/** A list of which only the lines in sight are drawn, so that thousands cost as little as ten. All lines have one height. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import './virtual-list.css';

interface VirtualListProps<Item> {
  readonly label: string;
  readonly items: readonly Item[];
  /** Of one line, px. */
  readonly lineHeight: number;
  readonly keyOf: (item: Item) => string;
  readonly children: (item: Item) => ComponentChildren;
}

/** Lines above and below that are drawn too, so that the keyboard finds the next one. */
const MARGIN = 6;

export function VirtualList<Item>({ label, items, lineHeight, keyOf, children }: VirtualListProps<Item>) {
  const frame = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ top: 0, height: 600 });
  useEffect(() => {
    const { current } = frame;
    if (current === null) return;
    const look = () => setSeen({ top: current.scrollTop, height: current.clientHeight });
    const sized = new ResizeObserver(look);
    sized.observe(current);
    current.addEventListener('scroll', look, { passive: true });
    return () => {
      sized.disconnect();
      current.removeEventListener('scroll', look);
    };
  }, []);
  const first = Math.max(0, Math.floor(seen.top / lineHeight) - MARGIN);
  const last = Math.min(items.length, Math.ceil((seen.top + seen.height) / lineHeight) + MARGIN);
  return (
    <div class="virtual-list" ref={frame}>
      <ul aria-label={label} style={{ height: `${items.length * lineHeight}px` }}>
        {items.slice(first, last).map((item, at) => (
          <li
            key={keyOf(item)}
            aria-setsize={items.length}
            aria-posinset={first + at + 1}
            style={{ height: `${lineHeight}px`, transform: `translateY(${(first + at) * lineHeight}px)` }}
          >
            {children(item)}
          </li>
        ))}
      </ul>
    </div>
  );
}
