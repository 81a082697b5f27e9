/** The page: one shell, in which each place of the address has a page of its own that is loaded when it is asked for. */
import { render } from 'preact';
import { loadPage, pageNamed } from './pages/pages.ts';
import { place } from './router.ts';
import { Shell } from './shell/shell.tsx';

/** For what was sent together with this to arrive: then all is drawn at once. Whatever takes longer is waited for inside the shell. */
const TOGETHER_MILLISECONDS = 200;

// Not awaited by this module, on which the page itself depends.
void begin();

async function begin(): Promise<void> {
  const root = document.querySelector('#page');
  if (root === null) throw new Error('index.html has no #page');
  const entry = pageNamed(place.peek().page);
  const first = entry && loadPage(entry).catch(() => undefined); // the shell asks again, and tells
  await Promise.race([first, new Promise((resolve) => setTimeout(resolve, TOGETHER_MILLISECONDS))]);
  root.replaceChildren();
  render(<Shell />, root);
}
