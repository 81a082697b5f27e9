/**
 * A JSON schema as a grammar: every text of the grammar is JSON that satisfies the schema.
 *
 * Narrower than the schema where that costs nobody anything: properties come in the order in which the schema names them, those that it
 * does not name only where additionalProperties allows them or nothing is said of any, and values are written as json-text.ts says.
 */
import { EVERY_CHARACTER } from '../code-points.ts';
import {
  all,
  character,
  choice,
  EMPTY,
  type Expression,
  type Grammar,
  NOTHING,
  optional,
  repeat,
  rule,
  sequence,
  text,
} from '../expression.ts';
import { containedMatch, wholeMatch } from '../regular-expression.ts';
import { FORMATS } from './formats.ts';
import {
  CHARACTER,
  COMMA,
  enclosed,
  INTEGER,
  JSON_RULES,
  listOf,
  NUMBER,
  OBJECT,
  pairOf,
  STRING,
  stringOf,
  stringOtherThan,
  VALUE,
} from './json-text.ts';
import { type Bound, numbersIn } from './number-range.ts';
import { type Alternative, type Demands, SchemaDocument, schemaError, typeOf, typesOf, unsupported } from './schema.ts';

/** Any JSON object. */
export const JSON_OBJECT: Grammar = { start: OBJECT, rules: JSON_RULES };

/** @throws InferenceError naming keyword and place of what is not supported or wrong */
export function compileSchema(schema: unknown): Grammar {
  return new Compiler(schema).compile();
}

const ROOT: Demands = ['#'];

class Compiler {
  readonly #document: SchemaDocument;
  readonly #rules = new Map<string, Expression>(JSON_RULES);
  readonly #left: Demands[] = [];

  constructor(schema: unknown) {
    this.#document = new SchemaDocument(schema);
  }

  compile(): Grammar {
    const start = this.#ruleOf(ROOT);
    for (let demands = this.#left.pop(); demands !== undefined; demands = this.#left.pop()) {
      const options = this.#document.alternatives(demands).map((one) => this.#value(one, placeOf(demands)));
      this.#rules.set(nameOf(demands), choice(...options));
    }
    return { start, rules: this.#rules };
  }

  /** The rule of a schema, which is written when its turn comes: schemas may refer to themselves. */
  #ruleOf(demands: Demands): Expression {
    if (demands.length === 0) return VALUE;
    const name = nameOf(demands);
    if (!this.#rules.has(name)) {
      this.#rules.set(name, NOTHING);
      this.#left.push(demands);
    }
    return rule(name);
  }

  #value(asked: Alternative, place: string): Expression {
    if (asked.values !== undefined) return this.#listed(asked, place);
    const types = typesOf(asked);
    const options: Expression[] = [];
    if (types.has('object')) options.push(this.#object(asked, place));
    if (types.has('array')) options.push(this.#array(asked));
    if (types.has('string')) options.push(this.#string(asked, place));
    if (types.has('number')) options.push(number(asked, false));
    else if (types.has('integer')) options.push(number(asked, true));
    if (types.has('boolean')) options.push(text('true'), text('false'));
    if (types.has('null')) options.push(text('null'));
    return choice(...options);
  }

  /** enum and const. What else is asked would have to be checked of each value. */
  #listed(asked: Alternative, place: string): Expression {
    const { values = [], types, limits, properties, required, patterns } = asked;
    const other =
      Object.keys(limits)[0] ??
      (properties.size > 0 ? 'properties' : undefined) ??
      (required.size > 0 ? 'required' : undefined) ??
      (patterns.length > 0 ? 'pattern' : undefined) ??
      (['additional', 'items', 'prefixItems', 'format', 'multipleOf'] as const).find(
        (name) => asked[name] !== undefined,
      );
    if (other !== undefined)
      throw unsupported(place, other, { en: ' beside enum or const', zh: '与 enum 或 const 并用' });
    const allowed = typesOf({ ...asked, types });
    return choice(...values.filter((value) => allowed.has(typeOf(value))).map((value) => text(JSON.stringify(value))));
  }

  #object(asked: Alternative, place: string): Expression {
    const { limits } = asked;
    const properties = new Map(asked.properties);
    for (const name of asked.required) if (!properties.has(name)) properties.set(name, asked.additional ?? []);
    const additional = asked.additional ?? (asked.properties.size > 0 ? undefined : []);
    const limited = (['minProperties', 'maxProperties'] as const).find((name) => limits[name] !== undefined);
    if (properties.size === 0) {
      if (additional === undefined) return enclosed('{', undefined, '}');
      const pair = pairOf(STRING, this.#ruleOf(additional));
      return enclosed('{', listOf(pair, limits.minProperties ?? 0, limits.maxProperties), '}');
    }
    if (limited !== undefined)
      throw unsupported(place, limited, { en: ' beside properties', zh: '与 properties 并用' });
    const entries = [...properties].map(([name, demands]) => ({
      pair: pairOf(text(JSON.stringify(name)), this.#ruleOf(demands)),
      required: asked.required.has(name),
    }));
    const name = `${place} {${[...properties.keys()].map((one) => JSON.stringify(one)).join(' ')}} ${this.#rules.size}`;
    return enclosed('{', this.#members(name, entries, this.#others(additional, [...properties.keys()])), '}');
  }

  /** Properties that the schema does not name, undefined where there are none. */
  #others(additional: Demands | undefined, names: readonly string[]): Expression | undefined {
    if (additional === undefined || this.#document.alternatives(additional).length === 0) return undefined;
    return pairOf(stringOtherThan(names), this.#ruleOf(additional));
  }

  /** Properties in their order, with commas between those that are there: a rule for each place, with and without one before. */
  #members(
    name: string,
    entries: readonly { readonly pair: Expression; readonly required: boolean }[],
    others: Expression | undefined,
  ): Expression {
    const behind = (place: number, begun: boolean) => rule(`${name} ${place}${begun ? ',' : ''}`);
    entries.forEach(({ pair, required }, place) => {
      for (const begun of [false, true]) {
        const present = sequence(begun ? COMMA : EMPTY, pair, behind(place + 1, true));
        const options = required ? [present] : [present, behind(place + 1, begun)];
        this.#rules.set(`${name} ${place}${begun ? ',' : ''}`, choice(...options));
      }
    });
    const last = entries.length;
    this.#rules.set(`${name} ${last}`, others === undefined ? EMPTY : listOf(others, 0, undefined));
    this.#rules.set(`${name} ${last},`, others === undefined ? EMPTY : repeat(sequence(COMMA, others), 0));
    return behind(0, false);
  }

  #array({ prefixItems = [], items, limits }: Alternative): Expression {
    const least = limits.minItems ?? 0;
    const most = limits.maxItems;
    const closed = items !== undefined && this.#document.alternatives(items).length === 0;
    const first = prefixItems.slice(0, most).map((demands) => this.#ruleOf(demands));
    const more = closed ? undefined : this.#ruleOf(items ?? []);
    if (first.length === 0) {
      if (more === undefined) return least > 0 ? NOTHING : enclosed('[', undefined, ']');
      return most !== undefined && most < least ? NOTHING : enclosed('[', listOf(more, least, most), ']');
    }
    // Behind each item of the prefix the list may end once it is long enough.
    const rest = most === undefined ? undefined : most - first.length;
    const needed = Math.max(0, least - first.length);
    if ((more === undefined && needed > 0) || (rest !== undefined && rest < needed)) return NOTHING;
    const open = more === undefined ? EMPTY : repeat(sequence(COMMA, more), needed, rest);
    const members = first.reduceRight<Expression>((behind, item, place) => {
      const present = sequence(place === 0 ? EMPTY : COMMA, item, behind);
      return place >= least ? optional(present) : present;
    }, open);
    return enclosed('[', members, ']');
  }

  #string({ patterns, format, limits }: Alternative, place: string): Expression {
    const { minLength = 0, maxLength } = limits;
    if (maxLength !== undefined && maxLength < minLength) return NOTHING;
    const shapes = patterns.map(containedMatch);
    if (format !== undefined) {
      const known = FORMATS[format];
      if (known === undefined) {
        const names = Object.keys(FORMATS);
        throw schemaError(place, {
          en: `format '${format}' is not supported; there are ${names.join(', ')}`,
          zh: `不支持 format“${format}”；有 ${names.join('、')}`,
        });
      }
      shapes.push(wholeMatch(known));
    }
    if (shapes.length === 0) {
      if (minLength === 0 && maxLength === undefined) return STRING;
      return sequence(text('"'), repeat(CHARACTER, minLength, maxLength), text('"'));
    }
    const isLimited = minLength > 0 || maxLength !== undefined;
    const length = isLimited ? [repeat(character(EVERY_CHARACTER), minLength, maxLength)] : [];
    return stringOf(all(...shapes, ...length));
  }
}

/** @param integer whether it must be one */
function number({ limits, multipleOf }: Alternative, integer: boolean): Expression {
  const least = tightest(limits.minimum, limits.exclusiveMinimum, 1);
  const most = tightest(limits.maximum, limits.exclusiveMaximum, -1);
  if (least === undefined && most === undefined && multipleOf === undefined) return integer ? INTEGER : NUMBER;
  return numbersIn({ ...(least && { least }), ...(most && { most }), ...(multipleOf && { multipleOf }), integer });
}

/** @param direction 1: the greater bound is the tighter one, -1: the smaller */
function tightest(closed: number | undefined, open: number | undefined, direction: 1 | -1): Bound | undefined {
  if (open === undefined) return closed === undefined ? undefined : { value: closed, open: false };
  if (closed === undefined || direction * open >= direction * closed) return { value: open, open: true };
  return { value: closed, open: false };
}

const nameOf = (demands: Demands): string => demands.join(' & ');
const placeOf = (demands: Demands): string => demands[0] ?? '#';
