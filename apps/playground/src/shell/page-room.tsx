/** Where a page is drawn: loaded when it is asked for, the last one standing until it is there. A page that fails takes nothing with it. */
import { Component, type ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { loadedPage, loadPage, type PageEntry } from '../pages/pages.ts';
import { Button } from '../parts/button.tsx';
import { Notice } from '../parts/notice.tsx';
import { addressOf } from '../router.ts';
import { say } from './words.ts';

interface PageRoomProps {
  readonly entry: PageEntry | undefined;
  readonly rest: readonly string[];
}

export function PageRoom({ entry, rest }: PageRoomProps) {
  const [shown, setShown] = useState(loadedPage(entry) === undefined ? undefined : entry);
  const [failed, setFailed] = useState<unknown>();
  useEffect(() => {
    let wanted = true;
    if (entry === undefined) return;
    loadPage(entry).then(
      () => {
        if (!wanted) return;
        setFailed(undefined);
        setShown(entry);
      },
      (error: unknown) => wanted && setFailed(error),
    );
    return () => {
      wanted = false;
    };
  }, [entry]);
  if (entry === undefined) {
    return (
      <p>
        {say().unknown} <a href={addressOf('write')}>{say().home}</a>
      </p>
    );
  }
  if (failed !== undefined) {
    return (
      <Notice kind="alarm">
        <p>{say().loadFailed}</p>
        {/* A module that could not be loaded is not asked for again by every browser. */}
        <Button small onClick={() => location.reload()}>
          {say().again}
        </Button>
      </Notice>
    );
  }
  const Page = loadedPage(shown);
  if (shown === undefined || Page === undefined) return <p class="faint">{say().loading}</p>;
  return (
    <Fence key={shown.name}>
      <Page rest={shown === entry ? rest : []} />
    </Fence>
  );
}

/** What a page throws while it is drawn ends here, and is shown and told. */
class Fence extends Component<{ readonly children: ComponentChildren }, { readonly error?: unknown }> {
  static override getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override componentDidCatch(error: unknown): void {
    console.error(error);
  }

  render() {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <Notice kind="alarm">
        {say().broken}
        {String(error)}
      </Notice>
    );
  }
}
