/** What was written before: choose one to see it again, with what was asked then. */
import { moment, number } from '../../language.ts';
import { Button } from '../../parts/button.tsx';
import { VirtualList } from '../../parts/virtual-list.tsx';
import { type EntryLine, forgetEntries, lines } from './history.ts';
import { say } from './words.ts';
import { openEntry, shown } from './writing.ts';

const LINE_HEIGHT = 62;

export function HistoryPanel() {
  const { value: all } = lines;
  if (all === undefined) return null;
  if (all.length === 0) return <p class="faint">{say().history.empty}</p>;
  return (
    <div class="stack">
      <VirtualList label={say().history.label} items={all} lineHeight={LINE_HEIGHT} keyOf={({ id }) => id}>
        {(line) => <Line line={line} />}
      </VirtualList>
      <div class="row">
        <span class="faint small-text">{say().history.count(number(all.length))}</span>
        <Button
          kind="danger"
          small
          icon="trash"
          onClick={() => confirm(say().history.forgetAllSure) && void forgetEntries()}
        >
          {say().history.forgetAll}
        </Button>
      </div>
    </div>
  );
}

function Line({ line }: { readonly line: EntryLine }) {
  const { id, at, title, models } = line;
  const name = title === '' ? say().history.untitled : title;
  const isShown = shown.value?.id === id;
  const made = models.length === 0 ? say().history.draft : models.filter((model) => model !== '').join(' / ');
  return (
    <div class={`write-line${isShown ? ' current' : ''}`}>
      <button type="button" aria-current={isShown} onClick={() => void openEntry(id)}>
        <span class="write-line-title">{name}</span>
        <span class="write-line-about">{[moment(at / 1000), made].filter((part) => part !== '').join(' · ')}</span>
      </button>
      <Button
        kind="quiet"
        small
        icon="trash"
        aria-label={say().history.forget(name)}
        onClick={() => void forgetEntries([id])}
      />
    </div>
  );
}
