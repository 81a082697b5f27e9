/** What is around every page: navigation, state of the server, key, language, appearance. */
import { useEffect } from 'preact/hooks';
import { keepingFails } from '../kept.ts';
import { language, said } from '../language.ts';
import { pageNamed } from '../pages/pages.ts';
import { Notice } from '../parts/notice.tsx';
import { place } from '../router.ts';
import { findSession } from '../server/account.ts';
import { Navigation } from './navigation.tsx';
import { PageRoom } from './page-room.tsx';
import { ServerLine } from './server-line.tsx';
import { Settings } from './settings.tsx';
import { say } from './words.ts';
import './shell.css';

export function Shell() {
  const { page: name, rest } = place.value;
  const entry = pageNamed(name);
  const title = entry === undefined ? say().unknown : said(entry.title);
  useEffect(() => void findSession(), []);
  useEffect(() => {
    document.title = `${title} · ${say().name}`;
  }, [title, language.value]);
  return (
    <>
      <button type="button" class="skip" onClick={skip}>
        {say().toContent}
      </button>
      <header class="shell-top">
        <Navigation current={entry?.name} />
        <ServerLine />
        <Settings />
      </header>
      <main class="shell-content" id="content" tabIndex={-1}>
        <h1>{title}</h1>
        {keepingFails.value && <Notice kind="alarm">{say().keepingFails}</Notice>}
        <PageRoom entry={entry} rest={rest} />
      </main>
    </>
  );
}

/** No link: the address behind the # is that of the page, and must not change. */
function skip(): void {
  document.querySelector<HTMLElement>('#content')?.focus();
}
