/** The page: one shell, in which each place of the address has a page of its own that is loaded when it is asked for. */
import { render } from 'preact';
import { Shell } from './shell/shell.tsx';

const root = document.querySelector('#page');
if (root === null) throw new Error('index.html has no #page');
render(<Shell />, root);
