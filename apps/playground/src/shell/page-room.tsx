/** Where a page is drawn: loaded when it is asked for, the last one standing until it is there. A page that fails takes nothing with it. */
import { Component, type ComponentChildren, type ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { PageProps } from '../pages/page-props.ts';
import type { PageEntry } from '../pages/pages.ts';
import { Button } from '../parts/button.tsx';
import { Notice } from '../parts/notice.tsx';
import { addressOf } from '../router.ts';
import { say } from './words.ts';

interface Loaded {
  readonly entry: PageEntry;
  readonly page: ComponentType<PageProps>;
}

interface PageRoomProps {
  readonly entry: PageEntry | undefined;
  readonly rest: readonly string[];
}

export function PageRoom({ entry, rest }: PageRoomProps) {
  const [loaded, setLoaded] = useState<Loaded>();
  const [failed, setFailed] = useState<unknown>();
  useEffect(() => {
    let wanted = true;
    if (entry === undefined) return;
    entry.load().then(
      ({ default: page }) => {
        if (!wanted) return;
        setFailed(undefined);
        setLoaded({ entry, page });
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
  if (loaded === undefined) return <p class="faint">{say().loading}</p>;
  const { page: Page } = loaded;
  return (
    <Fence key={loaded.entry.name}>
      <Page rest={loaded.entry === entry ? rest : []} />
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
