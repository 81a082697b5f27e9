/** Line drawings of 24 by 24, which take the colour of the text. They stand beside words and say nothing to a screen reader. */
const PATHS = {
  brush: 'M4 20c3.5 0 5-1.2 5-3.4A2.6 2.6 0 0 0 6.4 14C4.2 14 5 17 4 20Zm5.3-5.3L19 5a1.8 1.8 0 0 1 2.5 2.5l-9.7 9.7',
  grid: 'M4 4h6.5v6.5H4zM13.5 4H20v6.5h-6.5zM4 13.5h6.5V20H4zM13.5 13.5H20V20h-6.5z',
  scales: 'M12 4v16M8 20h8M5 7l7-1.5L19 7M5 7l-2.5 6.5a3 3 0 0 0 5 0ZM19 7l-2.5 6.5a3 3 0 0 0 5 0Z',
  layers: 'M12 3 3 8l9 5 9-5zM3 12.5l9 5 9-5M3 17l9 5 9-5',
  curve: 'M4 4v16h16M7.500 7c1 6 4.500 9 12.500 9.500',
  bars: 'M4 20h16M6.500 16v-5M11 16V5M15.500 16V9M20 16v-2',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.500 20.500c.8-4 3.800-6 7.500-6s6.700 2 7.500 6',
  shield: 'M12 3 5 5.500v6c0 4.500 3 7.500 7 9.500 4-2 7-5 7-9.500v-6zM9 12l2.200 2.200L15.500 10',
  key: 'M8 15.500a4.500 4.500 0 1 1 4.300-5.800H21v3h-2.500v2.500h-3v-2.500h-3.200A4.500 4.500 0 0 1 8 15.500ZM8 11h.01',
  sun: 'M12 16.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9ZM12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400',
  moon: 'M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500Z',
  half: 'M12 3.500a8.500 8.500 0 1 0 0 17zM12 3.500a8.500 8.500 0 0 1 0 17',
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'M6 6l12 12M18 6 6 18',
  copy: 'M8.500 8.500H19V20H8.500zM15.500 8V4.500H5V16h3',
  check: 'M5 12.500 10 17.500 19.500 7',
  stop: 'M7 7h10v10H7z',
  trash: 'M5 7h14M10 7V4.500h4V7M7 7l.8 13h8.400L17 7M10.500 10.500v6M13.500 10.500v6',
  help: 'M9.500 9.500A2.600 2.600 0 1 1 13 12c-.7.300-1 .8-1 1.800M12 17h.01',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
