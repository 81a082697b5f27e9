/**
 * A JSON schema (draft 2020-12) taken apart: references followed, allOf, anyOf and oneOf resolved, into alternatives that hold all that
 * is asked of a value in one place.
 *
 * A keyword is honoured or refused by its name and place, never passed over: what a model wrote under a schema is valid by it. A schema
 * inside of another stays unread until it is asked for, so that schemas may refer to themselves. oneOf is taken where no value fits two of its
 * branches, by type, by value, or by a property that both require.
 */
import type { Said } from '@tunan/files';
import { constraintError } from '../constraint-error.ts';

export type Type = 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null';

/** Schemas that a value must all satisfy, by where they stand in the document; none: any value will do. */
export type Demands = readonly string[];

/** All that is asked of a value. Absent is not asked. */
export interface Alternative {
  readonly types: ReadonlySet<Type> | undefined;
  /** The only values there are. */
  readonly values: readonly unknown[] | undefined;
  readonly properties: ReadonlyMap<string, Demands>;
  readonly required: ReadonlySet<string>;
  /** Of properties that have no entry; undefined where nothing was said of them. */
  readonly additional: Demands | undefined;
  readonly items: Demands | undefined;
  readonly prefixItems: readonly Demands[] | undefined;
  readonly patterns: readonly string[];
  readonly format: string | undefined;
  readonly multipleOf: number | undefined;
  readonly limits: Readonly<Partial<Record<Limit, number>>>;
}

const LEAST = ['minLength', 'minItems', 'minProperties', 'minimum', 'exclusiveMinimum'] as const;
const MOST = ['maxLength', 'maxItems', 'maxProperties', 'maximum', 'exclusiveMaximum'] as const;
type Limit = (typeof LEAST)[number] | (typeof MOST)[number];

const TYPES: readonly Type[] = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'];
const ANNOTATIONS = new Set([
  ...['title', 'description', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly'],
  ...['$schema', '$id', '$comment', '$defs', 'definitions'],
]);
const ASSERTIONS = new Set<string>([
  ...['type', 'enum', 'const', '$ref', 'allOf', 'anyOf', 'oneOf'],
  ...['properties', 'required', 'additionalProperties', 'items', 'prefixItems', 'uniqueItems'],
  ...['pattern', 'format', 'multipleOf', ...LEAST, ...MOST],
]);
/** What anyOf in allOf in anyOf may multiply to. */
const MOST_ALTERNATIVES = 300;

const NEVER = '#false';

const ANY: Alternative = {
  types: undefined,
  values: undefined,
  properties: new Map(),
  required: new Set(),
  additional: undefined,
  items: undefined,
  prefixItems: undefined,
  patterns: [],
  format: undefined,
  multipleOf: undefined,
  limits: {},
};

type Fields = Readonly<Record<string, unknown>>;

export class SchemaDocument {
  readonly #root: unknown;

  constructor(root: unknown) {
    this.#root = root;
  }

  /** What values may be that satisfy all of these. @throws InferenceError naming keyword and place */
  alternatives(demands: Demands): Alternative[] {
    return demands.reduce<Alternative[]>((found, place) => combine(found, this.#at(place, [])), [ANY]);
  }

  #at(place: string, within: readonly string[]): Alternative[] {
    if (place === NEVER) return [];
    if (within.includes(place)) {
      throw schemaError(place, { en: 'it refers to itself and nothing else', zh: '它只引用自身' });
    }
    const schema = this.#schemaAt(place);
    if (schema === true) return [ANY];
    if (schema === false) return [];
    if (!isFields(schema))
      throw schemaError(place, { en: 'a schema is an object, true or false', zh: '模式应为对象、true 或 false' });
    const unknown = Object.keys(schema).find(
      (key) => !ANNOTATIONS.has(key) && !ASSERTIONS.has(key) && !key.startsWith('x-'),
    );
    if (unknown !== undefined) throw unsupported(place, unknown);
    const deeper = [...within, place];
    let found = [ownDemands(schema, place)];
    if (schema.$ref !== undefined) found = combine(found, this.#at(this.#target(schema.$ref, place), deeper));
    for (const branch of branchesOf(schema, 'allOf', place)) found = combine(found, this.#at(branch, deeper));
    if (schema.anyOf !== undefined) {
      found = combine(
        found,
        branchesOf(schema, 'anyOf', place).flatMap((branch) => this.#at(branch, deeper)),
      );
    }
    if (schema.oneOf !== undefined) {
      const branches = branchesOf(schema, 'oneOf', place).map((branch) => combine(found, this.#at(branch, deeper)));
      this.#refuseOverlap(branches, place);
      found = branches.flat();
    }
    return found;
  }

  #schemaAt(place: string): unknown {
    if (place === '#') return this.#root;
    return place
      .slice(2)
      .split('/')
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce<unknown>(
        (value, step) => (isObject(value) && Object.hasOwn(value, step) ? Reflect.get(value, step) : undefined),
        this.#root,
      );
  }

  #target(reference: unknown, place: string): string {
    let target: string | undefined;
    if (typeof reference === 'string' && /^#(\/|$)/.test(reference)) {
      try {
        target = decodeURIComponent(reference);
      } catch {
        // A % that encodes nothing: told below.
      }
    }
    if (target === undefined || this.#schemaAt(target) === undefined) {
      throw schemaError(place, {
        en: `$ref ${JSON.stringify(reference)} leads nowhere; references begin with #/ and stay in the document`,
        zh: `$ref ${JSON.stringify(reference)} 没有所指；引用以 #/ 开头，只能指向本文档`,
      });
    }
    return target;
  }

  #refuseOverlap(branches: readonly (readonly Alternative[])[], place: string): void {
    for (const [index, branch] of branches.entries()) {
      for (const other of branches.slice(index + 1)) {
        if (branch.every((a) => other.every((b) => this.#areDisjoint(a, b, 3)))) continue;
        throw schemaError(place, {
          en: 'a value may fit two branches of oneOf; give each a type, const or required property of its own, or use anyOf',
          zh: '有的值可能符合 oneOf 的两个分支；请用各自的 type、const 或必需属性区分，或改用 anyOf',
        });
      }
    }
  }

  /** @param depth of properties that are looked into */
  #areDisjoint(a: Alternative, b: Alternative, depth: number): boolean {
    if (a.values !== undefined && b.values !== undefined) return common(a.values, b.values).length === 0;
    const [types, others] = [typesOf(a), typesOf(b)];
    const shared = commonTypes(types, others);
    if (shared.size === 0) return true;
    if (depth === 0 || shared.size > 1 || !shared.has('object')) return false;
    return [...a.required].some((name) => {
      const [mine, theirs] = [a.properties.get(name), b.properties.get(name)];
      if (mine === undefined || theirs === undefined || !b.required.has(name)) return false;
      const others = this.alternatives(theirs);
      return this.alternatives(mine).every((one) => others.every((other) => this.#areDisjoint(one, other, depth - 1)));
    });
  }
}

/** What a value may be by type; keywords that speak of one type alone say as much where type is absent. */
export function typesOf({ types, values, ...asked }: Alternative): ReadonlySet<Type> {
  if (values !== undefined)
    return new Set(values.map(typeOf).filter((type) => types === undefined || hasType(types, type)));
  if (types !== undefined) return types;
  const { limits } = asked;
  const spokenOf = new Set<Type>();
  const limited = (...names: Limit[]) => names.some((name) => limits[name] !== undefined);
  if (
    asked.properties.size > 0 ||
    asked.required.size > 0 ||
    asked.additional !== undefined ||
    limited('minProperties', 'maxProperties')
  ) {
    spokenOf.add('object');
  }
  if (asked.items !== undefined || asked.prefixItems !== undefined || limited('minItems', 'maxItems'))
    spokenOf.add('array');
  if (asked.patterns.length > 0 || asked.format !== undefined || limited('minLength', 'maxLength'))
    spokenOf.add('string');
  if (asked.multipleOf !== undefined || limited('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'))
    spokenOf.add('number');
  return spokenOf.size > 0 ? spokenOf : new Set(TYPES.filter((type) => type !== 'integer'));
}

export function typeOf(value: unknown): Type {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value as 'object' | 'string' | 'boolean';
}

const hasType = (types: ReadonlySet<Type>, type: Type): boolean =>
  types.has(type) || (type === 'integer' && types.has('number'));

export function schemaError(place: string, what: Said): Error {
  return constraintError({ en: `JSON schema at ${place}: ${what.en}`, zh: `JSON 模式 ${place} 处：${what.zh}` });
}

export function unsupported(place: string, keyword: string, where: Said = { en: '', zh: '' }): Error {
  return schemaError(place, {
    en: `'${keyword}' is not supported${where.en}; leave it out`,
    zh: `不支持“${keyword}”${where.zh}；请删去`,
  });
}

/** What a schema says by itself, without those that it refers to. */
function ownDemands(schema: Fields, place: string): Alternative {
  const malformed = (keyword: string, expected: Said) =>
    schemaError(place, { en: `${keyword} must be ${expected.en}`, zh: `${keyword} 应为${expected.zh}` });
  const limits: Partial<Record<Limit, number>> = {};
  for (const name of [...LEAST, ...MOST]) {
    const value = schema[name];
    if (value === undefined) continue;
    const counts = !name.includes('imum');
    if (typeof value !== 'number' || (counts && !(Number.isSafeInteger(value) && value >= 0))) {
      throw malformed(name, counts ? { en: 'an integer >= 0', zh: '不小于 0 的整数' } : { en: 'a number', zh: '数字' });
    }
    limits[name] = value;
  }
  const { type, enum: values, properties = {}, required = [], prefixItems, pattern, format, multipleOf } = schema;
  const types = type === undefined ? undefined : [type].flat();
  if (types !== undefined && !types.every((one) => TYPES.includes(one as Type))) {
    throw malformed('type', { en: `one of ${TYPES.join(', ')}`, zh: `${TYPES.join('、')} 之一` });
  }
  if (values !== undefined && !Array.isArray(values)) throw malformed('enum', { en: 'a list', zh: '列表' });
  if (!isFields(properties)) throw malformed('properties', { en: 'an object', zh: '对象' });
  if (!Array.isArray(required) || !required.every((name) => typeof name === 'string')) {
    throw malformed('required', { en: 'a list of names', zh: '名字的列表' });
  }
  if (Array.isArray(schema.items))
    throw malformed('items', {
      en: 'one schema; a list of them is prefixItems',
      zh: '一个模式；多个模式的列表请用 prefixItems',
    });
  if (prefixItems !== undefined && !Array.isArray(prefixItems))
    throw malformed('prefixItems', { en: 'a list', zh: '列表' });
  if (pattern !== undefined && typeof pattern !== 'string') throw malformed('pattern', { en: 'a text', zh: '文本' });
  if (format !== undefined && typeof format !== 'string') throw malformed('format', { en: 'a text', zh: '文本' });
  if (multipleOf !== undefined && !(typeof multipleOf === 'number' && multipleOf > 0)) {
    throw malformed('multipleOf', { en: 'a number above 0', zh: '大于 0 的数' });
  }
  if (schema.uniqueItems !== undefined && schema.uniqueItems !== false) throw unsupported(place, 'uniqueItems');
  const fixed = [values, schema.const === undefined ? undefined : [schema.const]].filter((one) => one !== undefined);
  const below = (...steps: string[]) => demandsAt(schema, place, steps);
  return {
    types: types === undefined ? undefined : new Set(types as Type[]),
    values: fixed.length === 0 ? undefined : fixed.reduce((a, b) => common(a, b)),
    properties: new Map(Object.keys(properties).map((name) => [name, below('properties', name)])),
    required: new Set(required as string[]),
    additional: schema.additionalProperties === undefined ? undefined : below('additionalProperties'),
    items: schema.items === undefined ? undefined : below('items'),
    prefixItems: prefixItems?.map((_, index) => below('prefixItems', String(index))),
    patterns: pattern === undefined ? [] : [pattern],
    format,
    multipleOf,
    limits,
  };
}

function demandsAt(schema: Fields, place: string, steps: readonly string[]): Demands {
  const value = steps.reduce<unknown>(
    (inner, step) => (isObject(inner) ? Reflect.get(inner, step) : undefined),
    schema,
  );
  if (value === true) return [];
  if (value === false) return [NEVER];
  return [[place, ...steps.map((step) => step.replaceAll('~', '~0').replaceAll('/', '~1'))].join('/')];
}

function branchesOf(schema: Fields, keyword: 'allOf' | 'anyOf' | 'oneOf', place: string): string[] {
  const branches = schema[keyword];
  if (branches === undefined) return [];
  if (!Array.isArray(branches) || branches.length === 0) {
    throw schemaError(place, { en: `${keyword} must be a list of schemas`, zh: `${keyword} 应为模式的列表` });
  }
  return branches.map((_, index) => `${place}/${keyword}/${index}`);
}

/** What satisfies one of the first and one of the second. */
function combine(first: readonly Alternative[], second: readonly Alternative[]): Alternative[] {
  if (first.length * second.length > MOST_ALTERNATIVES) {
    throw constraintError({
      en: 'anyOf and oneOf in each other make too many alternatives',
      zh: 'anyOf 与 oneOf 相互嵌套，组合过多',
    });
  }
  return first.flatMap((a) =>
    second.map((b) => both(a, b)).filter(({ types, values }) => types?.size !== 0 && values?.length !== 0),
  );
}

function both(a: Alternative, b: Alternative): Alternative {
  if (a === ANY) return b;
  if (b === ANY) return a;
  const names = new Set([...a.properties.keys(), ...b.properties.keys()]);
  const property = (name: string) =>
    joined(a.properties.get(name) ?? a.additional, b.properties.get(name) ?? b.additional) ?? [];
  return {
    types: a.types === undefined ? b.types : b.types === undefined ? a.types : commonTypes(a.types, b.types),
    values: a.values === undefined ? b.values : b.values === undefined ? a.values : common(a.values, b.values),
    properties: new Map([...names].map((name) => [name, property(name)])),
    required: new Set([...a.required, ...b.required]),
    additional: joined(a.additional, b.additional),
    items: joined(a.items, b.items),
    prefixItems: joinedTuples(a, b),
    patterns: [...new Set([...a.patterns, ...b.patterns])],
    format: theSame('format', a.format, b.format),
    multipleOf: theSame('multipleOf', a.multipleOf, b.multipleOf),
    limits: {
      ...a.limits,
      ...b.limits,
      ...Object.fromEntries(LEAST.flatMap((name) => tighter(name, Math.max, a, b))),
      ...Object.fromEntries(MOST.flatMap((name) => tighter(name, Math.min, a, b))),
    },
  };
}

function tighter(name: Limit, of: (a: number, b: number) => number, a: Alternative, b: Alternative): [Limit, number][] {
  const [first, second] = [a.limits[name], b.limits[name]];
  return first === undefined || second === undefined ? [] : [[name, of(first, second)]];
}

function joined(a: Demands | undefined, b: Demands | undefined): Demands | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : [...new Set([...a, ...b])];
}

function joinedTuples(a: Alternative, b: Alternative): readonly Demands[] | undefined {
  if (a.prefixItems === undefined && b.prefixItems === undefined) return undefined;
  const length = Math.max(a.prefixItems?.length ?? 0, b.prefixItems?.length ?? 0);
  return Array.from(
    { length },
    (_, index) => joined(a.prefixItems?.[index] ?? a.items, b.prefixItems?.[index] ?? b.items) ?? [],
  );
}

function theSame<T>(keyword: string, a: T | undefined, b: T | undefined): T | undefined {
  if (a === undefined || b === undefined || a === b) return a ?? b;
  throw constraintError({
    en: `JSON schema: two values of ${keyword} for the same value, ${String(a)} and ${String(b)}, are not supported`,
    zh: `JSON 模式：不支持对同一个值有两个 ${keyword}（${String(a)} 与 ${String(b)}）`,
  });
}

function commonTypes(a: ReadonlySet<Type>, b: ReadonlySet<Type>): ReadonlySet<Type> {
  const one = [...a].filter((type) => hasType(b, type));
  const other = [...b].filter((type) => hasType(a, type));
  return new Set([...one, ...other]);
}

/** Values that stand in both lists, compared as JSON with the names of objects in any order. */
function common(a: readonly unknown[], b: readonly unknown[]): unknown[] {
  const others = new Set(b.map(canonical));
  return a.filter((value) => others.has(canonical(value)));
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    isFields(inner) ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : 1))) : inner,
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isFields(value: unknown): value is Fields {
  return isObject(value) && !Array.isArray(value);
}
