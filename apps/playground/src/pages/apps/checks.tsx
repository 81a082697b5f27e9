/** What an application asks of an answer: its checks one by one, how often it is made again, and the constraint on the whole. */
import type { App, AppCheck } from '@tunan/protocol';
import { useId, useState } from 'preact/hooks';
import { said } from '../../language.ts';
import { Button } from '../../parts/button.tsx';
import { CheckField, ChoiceField, NumberField, TextField } from '../../parts/field.tsx';
import { AreaField } from './area-field.tsx';
import { CHECK_FIELDS, CHECK_USES, type CheckField as CheckFieldOf, type CheckUse, newCheck } from './check-fields.ts';
import { checkWords } from './check-words.ts';
import { ConstraintEditor } from './constraint-editor.tsx';
import { say } from './words.ts';

interface ChecksProps {
  readonly app: App;
  readonly onChange: (changed: Partial<App>) => void;
}

const MOST_CHECKS = 8;

export function Checks({ app, onChange }: ChecksProps) {
  const { checks, retries } = app;
  const [adds, setAdds] = useState<string>(CHECK_USES[0]!);
  const summary = useId();
  const put = (at: number, check: AppCheck) =>
    onChange({ checks: checks.map((one, place) => (place === at ? check : one)) });
  const remove = (at: number) => {
    onChange({ checks: checks.filter((_, place) => place !== at) });
    // The button that had the focus is gone.
    document.getElementById(summary)?.focus();
  };
  return (
    <details>
      <summary id={summary}>{checkWords().checks(checks.length)}</summary>
      <div class="stack">
        <p class="small-text faint">{checkWords().about}</p>
        {checks.map((check, at) => {
          const name = checkWords().uses[check.use];
          return (
            <fieldset key={`${at} ${check.use}`} class="apps-example">
              <legend class="small-text">{checkWords().check(at + 1, name)}</legend>
              <div class="apps-pair">
                {CHECK_FIELDS[check.use].map((field) => (
                  <OneField
                    key={field.name}
                    {...{ app, check, field }}
                    label={checkWords().ofCheck(at + 1, fieldLabel(check.use, field.name))}
                    onCheck={(changed) => put(at, changed)}
                  />
                ))}
              </div>
              <Button small kind="quiet" icon="trash" onClick={() => remove(at)}>
                {checkWords().remove(at + 1)}
              </Button>
            </fieldset>
          );
        })}
        <div class="row apps-add">
          <ChoiceField
            label={checkWords().addWhich}
            value={adds}
            onValue={setAdds}
            options={CHECK_USES.map((value) => ({ value, label: checkWords().uses[value] }))}
          />
          <Button
            disabled={checks.length >= MOST_CHECKS}
            onClick={() => onChange({ checks: [...checks, newCheck(adds as CheckUse, app)] })}
          >
            {checkWords().add}
          </Button>
        </div>
        <div class="apps-pair">
          <NumberField
            label={say().retries}
            min={0}
            max={9}
            step={1}
            required
            value={retries}
            onValue={(value) => value !== undefined && onChange({ retries: value })}
          />
        </div>
        <ConstraintEditor constraint={app.constraint} onChange={(constraint) => onChange({ constraint })} />
      </div>
    </details>
  );
}

/** What a field is called, where the same name means different things too. */
function fieldLabel(use: CheckUse, name: string): string {
  const { fields } = checkWords();
  return fields[`${use}.${name}`] ?? fields[name] ?? name;
}

interface OneFieldProps {
  readonly app: App;
  readonly check: AppCheck;
  readonly field: CheckFieldOf;
  readonly label: string;
  readonly onCheck: (check: AppCheck) => void;
}

/** A field by its kind. What it may hold the server checks when it is saved. */
function OneField({ app, check, field, label, onCheck }: OneFieldProps) {
  const held = check as unknown as Readonly<Record<string, unknown>>;
  const value = held[field.name];
  const set = (now: unknown) => onCheck({ ...held, [field.name]: now } as unknown as AppCheck);
  const text = typeof value === 'string' ? value : '';
  switch (field.kind) {
    case 'flag':
      return <CheckField label={label} value={value === true} onValue={set} />;
    case 'count': {
      const { min, max, required = false } = field;
      return (
        <NumberField
          {...{ label, min, max, required }}
          step={1}
          value={value as number | undefined}
          onValue={(now) => (now !== undefined || !required) && set(now)}
        />
      );
    }
    case 'text':
      return field.name === 'pattern' ? (
        <AreaField label={label} required value={text} onValue={set} />
      ) : (
        <TextField
          label={label}
          value={text.replaceAll('\n', '\\n')}
          onValue={(now) => set(now.replaceAll('\\n', '\n'))}
        />
      );
    case 'list':
      return (
        <AreaField
          label={label}
          required={field.required === true}
          value={(value as readonly string[]).join('\n')}
          onValue={(now) => set(now === '' ? [] : now.split('\n'))}
        />
      );
    case 'choice':
      return <ChoiceField label={label} value={text} onValue={set} options={named(field.of)} />;
    case 'input':
      return (
        <ChoiceField
          label={label}
          value={text}
          onValue={(now) => set(now === '' ? undefined : now)}
          options={[
            ...(field.none === true
              ? [{ value: '', label: check.use === 'parallel' ? checkWords().middle : checkWords().noInput }]
              : []),
            ...app.inputs.map((input) => ({ value: input.name, label: said(input.label) })),
          ]}
        />
      );
    case 'verse-form':
      return <VerseForm {...{ app, label, value }} onValue={set} />;
    case 'measures':
      return <Measures {...{ app, label, value }} onValue={set} />;
    case 'line-length':
      return <LineLength value={value as LineLengthProps['value']} onValue={set} />;
  }
}

const named = (values: readonly string[]) =>
  values.map((value) => ({ value, label: checkWords().options[value] ?? value }));

interface FormProps {
  readonly app: App;
  readonly label: string;
  readonly value: unknown;
  readonly onValue: (value: unknown) => void;
}

const FORMS = ['five-quatrain', 'seven-quatrain', 'five-regulated', 'seven-regulated'] as const;
const BY = 'input:';

/** Inputs that may say which form is meant. */
const byInputs = ({ inputs }: App) =>
  inputs
    .filter(({ choices }) => choices !== undefined)
    .map(({ name, label }) => ({ value: `${BY}${name}`, label: checkWords().byInput(said(label)) }));

/** A form, or the input that says which. */
function VerseForm({ app, label, value, onValue }: FormProps) {
  const shown = typeof value === 'string' ? value : `${BY}${(value as { readonly input: string }).input}`;
  return (
    <ChoiceField
      label={label}
      value={shown}
      onValue={(now) => onValue(now.startsWith(BY) ? { input: now.slice(BY.length) } : now)}
      options={[...named(FORMS), ...byInputs(app)]}
    />
  );
}

interface ByInput {
  readonly input: string;
  readonly forms: Readonly<Record<string, string>>;
}

/** A measure, or one for each choice of an input. */
function Measures({ app, label, value, onValue }: FormProps) {
  const by = typeof value === 'string' ? undefined : (value as ByInput);
  const choices = app.inputs.find(({ name }) => name === by?.input)?.choices ?? [];
  const choose = (now: string) => {
    if (!now.startsWith(BY)) return onValue('');
    const input = now.slice(BY.length);
    const names = app.inputs.find(({ name }) => name === input)?.choices ?? [];
    onValue({ input, forms: Object.fromEntries(names.map((name) => [name, ''])) });
  };
  const sources = [{ value: '', label: checkWords().oneMeasure }, ...byInputs(app)];
  return (
    <>
      {sources.length > 1 && (
        <ChoiceField
          label={checkWords().measureBy}
          value={by === undefined ? '' : `${BY}${by.input}`}
          onValue={choose}
          options={sources}
        />
      )}
      {by === undefined ? (
        <AreaField label={label} required value={String(value)} onValue={onValue} />
      ) : (
        choices.map((choice) => (
          <AreaField
            key={choice}
            label={checkWords().measureOf(choice)}
            required
            value={by.forms[choice] ?? ''}
            onValue={(measure) => onValue({ ...by, forms: { ...by.forms, [choice]: measure } })}
          />
        ))
      )}
    </>
  );
}

interface LineLengthProps {
  readonly value: { readonly least: number; readonly most?: number | undefined } | undefined;
  readonly onValue: (value: unknown) => void;
}

/** Characters of every line: neither end, or one, or both. */
function LineLength({ value, onValue }: LineLengthProps) {
  const set = (least: number | undefined, most: number | undefined) =>
    onValue(
      least === undefined && most === undefined
        ? undefined
        : { least: least ?? 1, ...(most !== undefined && { most }) },
    );
  const common = { min: 1, max: 4096, step: 1 };
  return (
    <>
      <NumberField
        {...common}
        label={checkWords().lineLeast}
        value={value?.least}
        onValue={(least) => set(least, value?.most)}
      />
      <NumberField
        {...common}
        label={checkWords().lineMost}
        value={value?.most}
        onValue={(most) => set(value?.least, most)}
      />
    </>
  );
}
