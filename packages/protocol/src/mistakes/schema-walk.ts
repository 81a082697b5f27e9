/** Walks zod schemas: the schema of a field, its members, the branches of a union. It parses nothing. */
import type * as z from 'zod';

export type Schema = z.core.$ZodType;

interface Def {
  type: string;
  innerType?: Schema;
  in?: Schema;
  element?: Schema;
  valueType?: Schema;
  items?: Schema[];
  shape?: Record<string, Schema>;
  options?: Schema[];
  discriminator?: string;
}

function defOf(schema: Schema): Def {
  return schema._zod.def as unknown as Def;
}

/** The schema behind optional, default, nullable and pipe. */
export function innerSchema(schema: Schema): Schema {
  const { innerType, type, in: input } = defOf(schema);
  if (innerType !== undefined) return innerSchema(innerType);
  return type === 'pipe' && input !== undefined ? innerSchema(input) : schema;
}

/** The fields of an object schema; undefined for all others. */
export function membersOf(schema: Schema | undefined): Record<string, Schema> | undefined {
  return schema === undefined ? undefined : defOf(innerSchema(schema)).shape;
}

/** The branches of a union, unions inside it opened; any other schema by itself. */
export function alternatives(schema: Schema | undefined): Schema[] {
  if (schema === undefined) return [];
  const { options } = defOf(innerSchema(schema));
  return options === undefined ? [innerSchema(schema)] : options.flatMap(alternatives);
}

/** The field that tells the branches of a union apart: named by it, or the literal field that all branches have. */
export function discriminatorOf(schema: Schema | undefined): string | undefined {
  if (schema === undefined || defOf(innerSchema(schema)).options === undefined) return undefined;
  const { discriminator, options = [] } = defOf(innerSchema(schema));
  if (discriminator !== undefined) return discriminator;
  const [first, ...others] = options.map((option) =>
    defOf(innerSchema(option)).options === undefined ? literalField(option) : discriminatorOf(option),
  );
  return others.every((tag) => tag === first) ? first : undefined;
}

function literalField(schema: Schema): string | undefined {
  return Object.entries(membersOf(schema) ?? {}).find(
    ([, member]) => defOf(innerSchema(member)).type === 'literal',
  )?.[0];
}

/** The schema of the field at `path`; where a union stands on the way the branch that the value is of. */
export function schemaAt(schema: Schema, value: unknown, path: readonly PropertyKey[]): Schema | undefined {
  const [key, ...rest] = path;
  const here = chosen(innerSchema(schema), value, key === undefined);
  if (key === undefined || here === undefined) return here;
  const { element, shape, valueType, items } = defOf(here);
  const next = shape?.[String(key)] ?? element ?? items?.[Number(key)] ?? valueType;
  const inner = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return next === undefined ? undefined : schemaAt(next, inner, rest);
}

/** The schema at `path` as it is written there, unions as they are; undefined where the path leads into a union. */
export function memberAt(schema: Schema, path: readonly PropertyKey[]): Schema | undefined {
  const [key, ...rest] = path;
  const here = innerSchema(schema);
  if (key === undefined) return here;
  const { element, shape, valueType, items } = defOf(here);
  const next = shape?.[String(key)] ?? element ?? items?.[Number(key)] ?? valueType;
  return next === undefined ? undefined : memberAt(next, rest);
}

/** At the end of a path a union stays a union unless the value says which branch it is of. */
function chosen(schema: Schema, value: unknown, isEnd: boolean): Schema | undefined {
  if (defOf(schema).options === undefined) return schema;
  const tag = discriminatorOf(schema);
  const branches = alternatives(schema);
  const found = branches.find((branch) => {
    if (tag === undefined) return sameKind(branch, value);
    const member = membersOf(branch)?.[tag];
    const values = member === undefined ? [] : ((defOf(innerSchema(member)) as { values?: unknown[] }).values ?? []);
    return values.includes((value as Record<string, unknown> | null | undefined)?.[tag]);
  });
  return found ?? (isEnd ? schema : undefined);
}

function sameKind(schema: Schema, value: unknown): boolean {
  const { type } = defOf(schema);
  const kind = kindOf(value);
  return kind === 'object' ? type === 'object' : kind === 'array' && type === 'array';
}

export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
