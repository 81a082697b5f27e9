/** 应用: the gallery, and each application by its own link, to be run, copied and changed. */
import { Notice } from '../../parts/notice.tsx';
import { apiKey, needsKey } from '../../server/access.ts';
import type { PageProps } from '../page-props.ts';
import { AppView } from './app-view.tsx';
import { Gallery } from './gallery.tsx';
import { say } from './words.ts';
import './page.css';

export default function AppsPage({ rest: [id] }: PageProps) {
  if (needsKey()) return <Notice>{say().needsKey}</Notice>;
  // Another key is somebody else: what was read is read again.
  const caller = apiKey.value;
  return id === undefined ? <Gallery key={caller} /> : <AppView key={`${id} ${caller}`} id={id} />;
}
