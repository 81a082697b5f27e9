/** The page: one shell, in which each place of the address has a page of its own that is loaded when it is asked for. */
import { render } from 'preact';
import { loadPage, pageNamed } from './pages/pages.ts';
import { place } from './router.ts';
import { Shell } from './shell/shell.tsx';

/**
 * Drawing everything once takes less than drawing the shell first and the page after it. A page that has not come by then is on a slow way,
 * and is waited for inside the shell.
 */
const TOGETHER_MILLISECONDS = 1_000;

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
