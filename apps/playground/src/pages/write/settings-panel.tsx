/** Model and parameters of one answer, or of two that are compared. */
import { useState } from 'preact/hooks';
import { Button } from '../../parts/button.tsx';
import { CheckField, ChoiceField, Field, NumberField } from '../../parts/field.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { models } from '../../server/models.ts';
import { type Column, changeColumn, changeDraft, changeSettings, draft } from './draft.ts';
import { FIRST_SETTINGS, MOST_ALTERNATIVES, PARAMETERS, type Parameter } from './parameters.ts';
import { say } from './words.ts';

export function SettingsPanel() {
  const { columns } = draft.value;
  const [chosen, setChosen] = useState('0');
  const at = Math.min(Number(chosen), columns.length - 1);
  const form = <ColumnSettings key={at} at={at} column={columns[at]!} />;
  return (
    <div class="stack">
      <CheckField label={say().compare} help={say().compareHelp} value={columns.length > 1} onValue={compare} />
      {columns.length === 1 ? (
        form
      ) : (
        <Tabs
          label={say().compare}
          tabs={columns.map((_, place) => ({ name: String(place), title: say().columns[place] ?? String(place) }))}
          current={String(at)}
          onChoose={setChosen}
        >
          {form}
        </Tabs>
      )}
    </div>
  );
}

/** The second begins as the first is, and another model where there is one. */
function compare(two: boolean): void {
  const [first] = draft.peek().columns;
  if (first === undefined) return;
  const served = models.peek();
  const used = first.model === '' ? served[0]?.id : first.model;
  const model = served.find(({ id }) => id !== used)?.id ?? first.model;
  changeDraft({ columns: two ? [first, { ...first, model }] : [first] });
}

function ColumnSettings({ at, column }: { readonly at: number; readonly column: Column }) {
  const { model, settings } = column;
  const served = models.value.map(({ id }) => ({ value: id, label: id }));
  // One that was chosen and is not there today stays chosen: the server's refusal says what there is.
  const gone = model === '' || served.some(({ value }) => value === model) ? [] : [{ value: model, label: model }];
  const several = served.length > 1 || gone.length > 0;
  const [showsMore, setShowsMore] = useState(false);
  const any = { value: '', label: served[0]?.label ?? say().anyModel };
  return (
    <div class="stack">
      {several && (
        <ChoiceField
          label={say().model}
          value={model === '' ? (served[0]?.value ?? '') : model}
          options={served.length === 0 ? [any, ...gone] : [...served, ...gone]}
          onValue={(value) => changeColumn(at, { model: value })}
        />
      )}
      <div class="write-parameters">
        {PARAMETERS.filter(({ place }) => place === 'front').map((parameter) => (
          <ParameterField key={parameter.name} parameter={parameter} at={at} column={column} />
        ))}
        <NumberField
          label={say().seedLabel}
          help={say().seedHelp}
          placeholder={say().seedPlaceholder}
          step={1}
          value={settings.seed}
          onValue={(seed) => changeSettings(at, { seed })}
        />
        <NumberField
          label={say().alternatives}
          help={say().alternativesHelp}
          min={0}
          max={MOST_ALTERNATIVES}
          step={1}
          value={settings.alternatives}
          onValue={(alternatives = 0) => changeSettings(at, { alternatives })}
        />
      </div>
      <Field label={say().stopLabel} help={say().stopHelp}>
        {(ids) => (
          <textarea
            class="input"
            rows={2}
            {...ids}
            value={settings.stop.map(escaped).join('\n')}
            onInput={(event) => changeSettings(at, { stop: stopsIn(event.currentTarget.value) })}
          />
        )}
      </Field>
      {/* Drawn when it is opened: a third of all that stands on the page at first would be in here, unseen. */}
      <details class="write-more" onToggle={() => setShowsMore(true)}>
        <summary>{say().more}</summary>
        {showsMore && (
          <div class="write-parameters">
            {PARAMETERS.filter(({ place }) => place === 'more').map((parameter) => (
              <ParameterField key={parameter.name} parameter={parameter} at={at} column={column} />
            ))}
          </div>
        )}
      </details>
      <div>
        <Button small kind="quiet" onClick={() => changeColumn(at, { settings: FIRST_SETTINGS })}>
          {say().reset}
        </Button>
      </div>
    </div>
  );
}

interface ParameterFieldProps {
  readonly parameter: Parameter;
  readonly at: number;
  readonly column: Column;
}

function ParameterField({ parameter, at, column }: ParameterFieldProps) {
  const { name, min, max, step, absent } = parameter;
  const [label, help] = say().parameters[name];
  return (
    <NumberField
      label={label}
      help={help}
      {...{ min, max, step }}
      placeholder={absent === undefined ? undefined : say().offBy(String(absent))}
      value={column.settings[name]}
      onValue={(value) => changeSettings(at, { [name]: value })}
    />
  );
}

/** A line end is what often ends an answer, and each line is one text here. */
const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

const stopsIn = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/\\(\\|n)/g, (_, mark) => (mark === 'n' ? '\n' : '\\')));
