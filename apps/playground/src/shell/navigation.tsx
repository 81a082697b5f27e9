/** The mark and the pages: a column on a wide window, a menu that opens on a narrow one. */
import { useEffect, useRef } from 'preact/hooks';
import { said } from '../language.ts';
import { loadPage, PAGES, type PageEntry } from '../pages/pages.ts';
import { Button } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { addressOf, place } from '../router.ts';
import { access } from '../server/access.ts';
import { mayBe } from '../server/account.ts';
import { mayLook } from '../server/workspace.ts';
import { say } from './words.ts';

const GROUPS = ['use', 'make', 'people'] as const;

export function Navigation({ current }: { readonly current: string | undefined }) {
  const menu = useRef<HTMLElement>(null);
  // Chosen, and so done.
  useEffect(() => {
    if (menu.current?.matches(':popover-open')) menu.current.hidePopover();
  }, [place.value]);
  return (
    <>
      <Button kind="quiet" class="shell-menu-button" icon="menu" aria-label={say().menu} popovertarget="menu" />
      <a class="shell-mark" href={addressOf('write')}>
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="7" />
          <path d="M5 20c5-1 7-5 11-9 3 4 6 7 11 7-4 1-6 2-8 5-2-3-4-4-6-4-3 0-5 1-8 1z" />
        </svg>
        {say().name}
      </a>
      <nav class="shell-pages" id="menu" popover="auto" aria-label={say().pages} ref={menu}>
        {GROUPS.map((group) => (
          <Group
            key={group}
            title={say().groups[group]}
            pages={PAGES.filter((page) => page.group === group && isShown(page))}
            current={current}
          />
        ))}
      </nav>
    </>
  );
}

interface GroupProps {
  readonly title: string;
  readonly pages: readonly PageEntry[];
  readonly current: string | undefined;
}

function Group({ title, pages, current }: GroupProps) {
  if (pages.length === 0) return null;
  return (
    <div class="shell-group">
      <p>{title}</p>
      <ul>
        {pages.map((page) => (
          <li key={page.name}>
            <a
              href={addressOf(page.name)}
              aria-current={page.name === current ? 'page' : undefined}
              onMouseEnter={() => void loadPage(page)}
              onFocus={() => void loadPage(page)}
            >
              <Icon name={page.icon} />
              {said(page.title)}
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}

function isShown({ shownTo }: PageEntry): boolean {
  if (shownTo === undefined) return true;
  if (shownTo === 'workspace') return mayLook();
  return shownTo === 'accounts' ? access === 'accounts' : mayBe(shownTo);
}
