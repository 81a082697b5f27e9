/** A text of several lines, which all count. */
import { Field } from '../../parts/field.tsx';

interface AreaFieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly error?: string | undefined;
  readonly required?: boolean;
  readonly value: string;
  readonly onValue: (value: string) => void;
}

const MOST_ROWS = 8;

export function AreaField({ label, hint, error, required = false, value, onValue }: AreaFieldProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(ids) => (
        <textarea
          class="input"
          rows={Math.min(MOST_ROWS, value.split('\n').length)}
          required={required}
          {...ids}
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}
