/** A constraint in the words of another server, undefined where it is not known to honour it. */
import type { AnswerConstraint } from '../../constraints/compile-constraint.ts';

/** @param owner as `/models` names it */
export function constraintBody(
  owner: string | undefined,
  asked: AnswerConstraint,
): Readonly<Record<string, unknown>> | undefined {
  switch (owner) {
    case 'tunan':
    case 'vllm':
      return { structured_outputs: structured(asked) };
    case 'llamacpp':
      if (asked.kind === 'json') return { json_schema: asked.schema };
      if (asked.kind === 'json-object') return { json_schema: { type: 'object' } };
      return asked.kind === 'grammar' ? { grammar: asked.source } : undefined;
    case 'sglang':
      if (asked.kind === 'json') return { json_schema: JSON.stringify(asked.schema) };
      if (asked.kind === 'json-object') return { json_schema: '{"type":"object"}' };
      return asked.kind === 'regex' ? { regex: asked.pattern } : undefined;
    default:
      return undefined;
  }
}

function structured(asked: AnswerConstraint): Readonly<Record<string, unknown>> {
  switch (asked.kind) {
    case 'json':
      return { json: asked.schema };
    case 'json-object':
      return { json_object: true };
    case 'regex':
      return { regex: asked.pattern };
    case 'choice':
      return { choice: asked.texts };
    case 'grammar':
      return { grammar: asked.source };
  }
}
