/** Labelled fields of forms: text, number, choice, check; with an explanation on demand, and what is wrong beneath. */
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { Help } from './help.tsx';
import './field.css';

interface FieldProps {
  readonly label: string;
  /** Shown when the mark beside the label is pointed at or has the focus. */
  readonly help?: string | undefined;
  /** One line that always stands below. */
  readonly hint?: string | undefined;
  /** What is wrong with the value. */
  readonly error?: string | undefined;
}

interface Ids {
  readonly id: string;
  readonly 'aria-describedby'?: string;
  readonly 'aria-invalid'?: boolean;
}

/** The frame around any control: what it returns must get the ids. */
export function Field({
  label,
  help,
  hint,
  error,
  children,
}: FieldProps & { readonly children: (ids: Ids) => ComponentChildren }) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  const ids: Ids = {
    id,
    ...(described !== '' && { 'aria-describedby': described }),
    ...(error && { 'aria-invalid': true }),
  };
  return (
    <div class="field">
      <div class="field-label">
        <label for={id}>{label}</label>
        {help !== undefined && <Help about={label}>{help}</Help>}
      </div>
      {children(ids)}
      {hint !== undefined && (
        <p class="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error !== undefined && (
        <p class="field-error" id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

interface TextFieldProps extends FieldProps {
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly type?: 'text' | 'password' | 'email' | 'tel' | 'date' | 'search';
  readonly autocomplete?: 'off' | 'email' | 'current-password' | 'new-password' | 'one-time-code' | 'name' | 'tel';
  readonly placeholder?: string;
  readonly required?: boolean;
  readonly minLength?: number;
  readonly maxLength?: number;
}

export function TextField({ label, help, hint, error, value, onValue, type = 'text', ...rest }: TextFieldProps) {
  return (
    <Field label={label} help={help} hint={hint} error={error}>
      {(ids) => (
        <input
          class="input"
          {...rest}
          {...ids}
          // The checker wants to know each type of input apart; all of these take the same.
          type={type as 'text'}
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

interface NumberFieldProps extends FieldProps {
  /** `undefined` is the empty field. */
  readonly value: number | undefined;
  readonly onValue: (value: number | undefined) => void;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly step?: number | 'any' | undefined;
  readonly placeholder?: string | undefined;
  readonly required?: boolean;
}

export function NumberField({ label, help, hint, error, value, onValue, ...rest }: NumberFieldProps) {
  return (
    <Field label={label} help={help} hint={hint} error={error}>
      {(ids) => (
        <input
          class="input"
          type="number"
          inputMode="decimal"
          {...rest}
          {...ids}
          value={value ?? ''}
          onInput={({ currentTarget: { valueAsNumber } }) =>
            onValue(Number.isNaN(valueAsNumber) ? undefined : valueAsNumber)
          }
        />
      )}
    </Field>
  );
}

interface ChoiceFieldProps extends FieldProps {
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly options: readonly { readonly value: string; readonly label: string }[];
}

export function ChoiceField({ label, help, hint, error, value, onValue, options }: ChoiceFieldProps) {
  return (
    <Field label={label} help={help} hint={hint} error={error}>
      {(ids) => (
        <select class="input" {...ids} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface CheckFieldProps {
  readonly label: string;
  readonly help?: string | undefined;
  readonly value: boolean;
  readonly onValue: (value: boolean) => void;
}

export function CheckField({ label, help, value, onValue }: CheckFieldProps) {
  return (
    <div class="field-check">
      <label>
        <input type="checkbox" checked={value} onChange={(event) => onValue(event.currentTarget.checked)} />
        {label}
      </label>
      {help !== undefined && <Help about={label}>{help}</Help>}
    </div>
  );
}
