/** The constraint on a whole answer: of which kind, and its text. */
import type { App } from '@tunan/protocol';
import { ChoiceField } from '../../parts/field.tsx';
import { AreaField } from './area-field.tsx';
import { checkWords } from './check-words.ts';

type Constraint = App['constraint'];

const KINDS = ['none', 'regex', 'choice', 'grammar', 'json'] as const;
type Kind = (typeof KINDS)[number];

interface ConstraintEditorProps {
  readonly constraint: Constraint;
  readonly onChange: (constraint: Constraint) => void;
}

export function ConstraintEditor({ constraint, onChange }: ConstraintEditorProps) {
  const kind: Kind = KINDS.find((one) => one !== 'none' && constraint?.[one] !== undefined) ?? 'none';
  const text = constraint === undefined ? '' : textOf(constraint);
  return (
    <>
      <div class="apps-pair">
        <ChoiceField
          label={checkWords().constraint}
          value={kind}
          onValue={(now) => onChange(constraintOf(now as Kind, text))}
          options={KINDS.map((value) => ({ value, label: checkWords().constraints[value]! }))}
        />
      </div>
      {kind !== 'none' && (
        <AreaField
          label={checkWords().constraintText}
          hint={checkWords().constraintHint}
          error={kind === 'json' ? jsonFault(text) : undefined}
          required
          value={text}
          onValue={(now) => onChange(constraintOf(kind, now))}
        />
      )}
    </>
  );
}

function textOf({ regex, choice, grammar, json }: NonNullable<Constraint>): string {
  if (choice !== undefined) return choice.join('\n');
  // What is no JSON yet stands as it was typed.
  if (json !== undefined) return typeof json === 'string' ? json : JSON.stringify(json, undefined, 2);
  return regex ?? grammar ?? '';
}

function constraintOf(kind: Kind, text: string): Constraint {
  switch (kind) {
    case 'none':
      return undefined;
    case 'regex':
      return { regex: text };
    case 'choice':
      return { choice: text.split('\n') };
    case 'grammar':
      return { grammar: text };
    case 'json':
      // Kept as a text, so that nothing is laid out anew below the cursor; the server reads an object.
      return { json: text as unknown as Record<string, unknown> };
  }
}

/** The application with the schema of its constraint as an object, where it is one: the editor keeps what is typed. */
export function sendable(app: App): App {
  const json: unknown = app.constraint?.json;
  if (typeof json !== 'string' || jsonFault(json) !== undefined) return app;
  return { ...app, constraint: { json: JSON.parse(json) as Record<string, unknown> } };
}

/** Why a text is no JSON object. */
function jsonFault(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? undefined
      : checkWords().notJson(text.slice(0, 40));
  } catch (error) {
    return checkWords().notJson(error instanceof Error ? error.message : String(error));
  }
}
