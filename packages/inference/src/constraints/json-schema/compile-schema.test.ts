import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Network } from '../network.ts';
import { languageOf, seededRandom } from '../testing/walk.ts';
import { compileSchema } from './compile-schema.ts';

const ajv = new Ajv2020({ strict: false, validateFormats: false });

/** A schema, texts that it takes, texts that it does not take. What is taken is held against ajv, and so are random texts. */
const cases: [name: string, schema: unknown, taken: string[], refused: string[]][] = [
  [
    'anything',
    true,
    ['1', '"春"', '{"a": [1, {}]}', 'null', '[ ]', '{\n  "a": 1\n}'],
    ['', '01', '{a:1}', '[1,]', '"\n"', '1 ', 'NaN'],
  ],
  ['integer', { type: 'integer' }, ['0', '-7', '123456789012345'], ['1.5', '01', '+1', '1e2', '1234567890123456']],
  ['number', { type: 'number' }, ['0', '-1.5', '2e-7', '1E+05'], ['.5', '1.', '1e999', '--1']],
  [
    'range of integers',
    { type: 'integer', minimum: -3, maximum: 120 },
    ['-3', '0', '9', '10', '99', '120'],
    ['-4', '121', '200', '1000', '-10'],
  ],
  ['open range', { type: 'integer', exclusiveMinimum: 5, exclusiveMaximum: 8 }, ['6', '7'], ['5', '8', '60', '0']],
  [
    'range of numbers',
    { type: 'number', minimum: 0.25, maximum: 10 },
    ['0.25', '0.3', '1', '9.999', '10', '10.0', '0.250'],
    ['0.2', '0.24', '10.1', '0', '-1', '11'],
  ],
  [
    'open range of numbers',
    { type: 'number', exclusiveMinimum: -1.5, exclusiveMaximum: 0 },
    ['-1.49', '-1', '-0.001'],
    ['0', '-1.5', '-1.50', '-2', '0.5', '-0'],
  ],
  ['below', { maximum: -2 }, ['-2', '-2.5', '-100'], ['-1', '-1.99', '0', '3']],
  ['multiples', { type: 'integer', multipleOf: 7, minimum: 10 }, ['14', '21', '700'], ['7', '15', '0']],
  [
    'decimal multiples',
    { type: 'number', multipleOf: 0.25 },
    ['0', '0.5', '3.25', '1.75', '10'],
    ['0.3', '1.1', '0.125'],
  ],
  ['strings', { type: 'string' }, ['""', '"春眠\\n"', '"\\"\\\\"', '"\\u0001"'], ['"', '春', '"\\u4e2d"', '"\\/"']],
  [
    'lengths count characters',
    { type: 'string', minLength: 2, maxLength: 3 },
    ['"春晓"', '"😀😀😀"', '"\\n\\n"'],
    ['"春"', '"春眠不觉"', '""'],
  ],
  ['pattern', { type: 'string', pattern: '^[A-Z]{2}\\d+$' }, ['"AB1"', '"ZZ007"'], ['"A1"', '"AB"', '"AB1x"']],
  [
    'pattern anywhere',
    { type: 'string', pattern: '月"?', maxLength: 3 },
    ['"明月光"', '"月\\""', '"月"'],
    ['"明日"', '"床前明月"'],
  ],
  [
    'two patterns',
    { allOf: [{ type: 'string', pattern: 'a' }, { pattern: 'b' }] },
    ['"ab"', '"xbya"'],
    ['"a"', '"b"', '""'],
  ],
  [
    'enum',
    { enum: ['红', 3, null, { a: [1] }] },
    ['"红"', '3', 'null', '{"a":[1]}'],
    ['"绿"', '33', '{"a": [1]}', '{}'],
  ],
  ['enum and type', { type: 'string', enum: ['a', 1] }, ['"a"'], ['1']],
  ['const', { const: 'x"y' }, ['"x\\"y"'], ['"x"']],
  ['types', { type: ['boolean', 'null'] }, ['true', 'false', 'null'], ['0', '"true"']],
  [
    'object',
    {
      type: 'object',
      properties: { 名: { type: 'string' }, age: { type: 'integer' } },
      required: ['名'],
      additionalProperties: false,
    },
    ['{"名":"李白","age":61}', '{"名": "李白"}', '{\n  "名": "",\n  "age": 1\n}'],
    ['{}', '{"age":1}', '{"名":"x","age":"1"}', '{"名":"x","b":1}', '{"名":"x",}'],
  ],
  [
    'optional ones',
    { type: 'object', properties: { a: {}, b: { type: 'null' }, c: {} } },
    ['{}', '{"a":1}', '{"b":null}', '{"a":1, "c":[]}', '{"c":0}'],
    ['{"b":1}', '{"d":1}', '{,"a":1}'],
  ],
  [
    'other properties',
    {
      type: 'object',
      properties: { a: { type: 'integer' }, ab: { type: 'integer' } },
      additionalProperties: { type: 'string' },
    },
    ['{"a":1,"x":"y"}', '{"x":"y","b":"z"}', '{"ab":1,"abc":"s"}', '{"":""}', '{"a\\"":"q"}'],
    ['{"a":"1"}', '{"x":1}', '{"x":"y","a":1}', '{"x":"y","ab":"1"}'],
  ],
  [
    'a map',
    { type: 'object', additionalProperties: { type: 'integer' }, minProperties: 1, maxProperties: 2 },
    ['{"a":1}', '{"a":1,"b":2}'],
    ['{}', '{"a":"x"}', '{"a":1,"b":2,"c":3}'],
  ],
  ['required without a schema', { type: 'object', required: ['x'] }, ['{"x":1}', '{"x":[{}]}'], ['{}']],
  [
    'arrays',
    { type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 3 },
    ['[1]', '[1, 2,3]'],
    ['[]', '[1,2,3,4]', '["a"]'],
  ],
  [
    'tuples',
    { type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }], items: false, minItems: 1 },
    ['["a"]', '["a",1]'],
    ['[]', '[1]', '["a",1,2]'],
  ],
  [
    'open tuples',
    { type: 'array', prefixItems: [{ type: 'string' }], items: { type: 'null' }, minItems: 2, maxItems: 3 },
    ['["a",null]', '["a",null,null]'],
    ['["a"]', '["a",1]', '["a",null,null,null]'],
  ],
  [
    'anyOf',
    { anyOf: [{ type: 'integer' }, { type: 'array', items: { $ref: '#' } }] },
    ['1', '[1,[2,[]]]'],
    ['"a"', '["a"]', '[null]'],
  ],
  [
    'siblings of anyOf',
    {
      type: 'object',
      properties: { k: { type: 'string' } },
      required: ['k'],
      anyOf: [
        { properties: { a: { type: 'integer' } }, required: ['a'] },
        { properties: { b: { type: 'null' } }, required: ['b'] },
      ],
    },
    ['{"k":"x","a":1}', '{"k":"","b":null}'],
    ['{"k":"x"}', '{"a":1}'],
  ],
  [
    'oneOf by a mark',
    {
      oneOf: [
        { type: 'object', properties: { t: { const: 'a' }, v: { type: 'integer' } }, required: ['t', 'v'] },
        { type: 'object', properties: { t: { const: 'b' } }, required: ['t'] },
        { type: 'null' },
      ],
    },
    ['{"t":"a","v":1}', '{"t":"b"}', 'null'],
    ['{"t":"a"}', '{"t":"c"}'],
  ],
  [
    'recursion',
    {
      $ref: '#/$defs/tree',
      $defs: {
        tree: {
          type: 'object',
          properties: { v: { type: 'integer' }, kids: { type: 'array', items: { $ref: '#/$defs/tree' } } },
          required: ['v'],
          additionalProperties: false,
        },
      },
    },
    ['{"v":1}', '{"v":1,"kids":[{"v":2,"kids":[]},{"v":3}]}'],
    ['{"kids":[]}', '{"v":1,"kids":[1]}'],
  ],
  [
    'allOf merges',
    {
      allOf: [{ $ref: '#/$defs/named' }, { properties: { n: { minLength: 1 }, z: { type: 'null' } } }],
      $defs: { named: { type: 'object', properties: { n: { type: 'string' } }, required: ['n'] } },
    },
    ['{"n":"a","z":null}', '{"n":"x"}'],
    ['{"n":""}', '{}'],
  ],
  [
    'false inside',
    { type: 'object', properties: { a: false, b: { type: 'integer' } } },
    ['{"b":1}', '{}'],
    ['{"a":1}'],
  ],
  ['keywords tell the type', { items: { type: 'integer' } }, ['[1]', '[]'], ['{}', '"a"']],
  ['number and integer', { allOf: [{ type: 'number' }, { type: ['integer', 'string'] }] }, ['1'], ['1.5', '"a"']],
];

for (const [name, schema, taken, refused] of cases) {
  test(`JSON schema: ${name}`, () => {
    const language = languageOf(compileSchema(schema));
    const isValid = ajv.compile(schema as boolean | object);
    for (const text of taken) {
      assert.ok(language.accepts(text), `takes ${text}`);
      assert.ok(isValid(JSON.parse(text)), `${text} is valid`);
    }
    for (const text of refused) assert.ok(!language.accepts(text), `does not take ${text}`);
    const random = seededRandom(name.length);
    let drawn = 0;
    for (let i = 0; i < 60; i++) {
      const text = language.draw(random);
      if (text === undefined) continue;
      drawn++;
      assert.ok(isValid(JSON.parse(text)), `${text}: ${ajv.errorsText(isValid.errors)}`);
    }
    assert.ok(drawn >= 20, `${drawn} texts ended`);
  });
}

test('formats', () => {
  const samples: [format: string, taken: string[], refused: string[]][] = [
    ['date', ['2024-02-28', '1999-12-31'], ['2024-02-30', '2024-13-01', '24-01-01', '2023-04-31']],
    ['time', ['23:59:59Z', '00:00:00.5+08:00'], ['24:00:00Z', '12:00:00']],
    ['date-time', ['2024-02-28T12:00:00Z'], ['2024-02-28 12:00:00Z']],
    ['uuid', ['123e4567-e89b-12d3-a456-426614174000'], ['123e4567']],
    ['ipv4', ['127.0.0.1', '255.255.255.255'], ['256.1.1.1', '1.1.1', '01.1.1.1']],
    ['hostname', ['example.com', 'a'], ['-a', 'a..b']],
    ['email', ['li.bai@example.com'], ['li bai@example.com', '@a', 'a@']],
  ];
  for (const [format, taken, refused] of samples) {
    const { accepts } = languageOf(compileSchema({ type: 'string', format }));
    for (const text of taken) assert.ok(accepts(JSON.stringify(text)), text);
    for (const text of refused) assert.ok(!accepts(JSON.stringify(text)), text);
  }
});

test('what is not supported is refused by name and place, and what nothing satisfies too', () => {
  const refusals: [unknown, RegExp][] = [
    [{ type: 'object', properties: { a: { not: {} } } }, /at #\/properties\/a: 'not' is not supported/],
    [{ type: 'array', uniqueItems: true }, /'uniqueItems' is not supported/],
    [{ type: 'object', patternProperties: {} }, /'patternProperties' is not supported/],
    [{ if: {}, else: {} }, /'if' is not supported/],
    [{ type: 'string', nullable: true }, /'nullable' is not supported/],
    [{ type: 'string', format: 'iri' }, /format 'iri' is not supported; there are date/],
    [{ type: 'strnig' }, /type must be one of object/],
    [{ enum: ['a'], minLength: 3 }, /'minLength' is not supported beside enum/],
    [{ type: 'object', properties: { a: {} }, minProperties: 1 }, /'minProperties' is not supported beside properties/],
    [{ $ref: '#/nowhere' }, /leads nowhere/],
    [{ $ref: 'https://example.com/schema' }, /leads nowhere/],
    [{ $ref: '#' }, /refers to itself and nothing else/],
    [{ anyOf: [{ $ref: '#' }] }, /refers to itself/],
    [{ oneOf: [{ type: 'integer' }, { type: 'number' }] }, /fit two branches of oneOf/],
    [{ type: 'array', items: [{}] }, /a list of them is prefixItems/],
    [{ type: 'integer', minimum: '1' }, /minimum must be a number/],
    ['object', /a schema is an object/],
    [{ type: 'integer', minimum: 1e30 }, /too many digits/],
    [{ type: 'string', pattern: '(?=a)' }, /looking around/],
    // Nothing satisfies these.
    [false, /no text at all satisfies it/],
    [{ type: 'integer', minimum: 5, maximum: 4 }, /no text at all/],
    [{ type: 'integer', exclusiveMinimum: 1, exclusiveMaximum: 2 }, /no text at all/],
    [{ type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] }, /no text at all/],
    [{ type: 'object', required: ['a'], additionalProperties: false }, /no text at all/],
    [{ type: 'string', pattern: '^a$', minLength: 2 }, /no text at all/],
    [{ allOf: [{ type: 'string' }, { type: 'null' }] }, /no text at all/],
    [{ type: 'array', items: false, minItems: 1 }, /no text at all/],
    [{ type: 'string', enum: [1] }, /no text at all/],
    [{ type: 'string', maxLength: 1_000_000 }, /too large/],
  ];
  for (const [schema, message] of refusals) {
    assert.throws(
      () => new Network(compileSchema(schema)),
      { code: 'INFERENCE_BAD_OPTION', message },
      JSON.stringify(schema),
    );
  }
});
