import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Automaton, type State } from './automaton.ts';
import { readGbnf } from './gbnf.ts';
import { Network } from './network.ts';
import { languageOf } from './testing/walk.ts';

test('a grammar of rules, with comments, classes, groups and counts', () => {
  const { accepts } = languageOf(
    readGbnf(`# sums
root ::= expr ("=" ws expr)?   # maybe an equation
expr ::= term ([-+] ws
           term)*
term ::= number | "(" ws expr ")" ws
number ::= [0-9]{1,3} ws
ws ::= [ \\t]*
`),
  );
  for (const text of ['1', '1+2', '(1 + (23)) - 456', '1 = (1)']) assert.ok(accepts(text), text);
  for (const text of ['', '1+', '1234', '((1)', '1=1=1', '+1']) assert.ok(!accepts(text), text);
});

test('escapes, characters beyond ASCII, and what is outside of a class', () => {
  const { accepts } = languageOf(readGbnf('root ::= "\\"\\x41\\u4e2d\\n" [^\\]a-c春] . | "" |\n "z"{2,}'));
  for (const text of ['"A中\nd😀', '', 'zz', 'zzzz']) assert.ok(accepts(text), text);
  for (const text of ['"A中\n春x', '"A中\n]x', 'z']) assert.ok(!accepts(text), text);
});

test('nesting is counted, however deep', () => {
  const { accepts } = languageOf(readGbnf('root ::= "[" root* "]" | "中"'));
  const depth = 500;
  const [opened, closed] = ['['.repeat(depth), ']'.repeat(depth)];
  assert.ok(accepts(`${opened}中${closed}`));
  assert.ok(!accepts(opened + closed.slice(1)));
  assert.ok(!accepts(`${opened + closed}]`));
});

test('mistakes are told with their line', () => {
  const refused: [string, RegExp][] = [
    ['', /line 1: there is no rule root/],
    ['root ::= a', /line 1: there is no rule a/],
    ['root ::= "a"\nroot ::= "b"', /line 2: the rule root stands twice/],
    ['root = "a"', /::= is missing/],
    ['root ::= "a', /not closed/],
    ['root ::= ("a"', /parenthesis is not closed/],
    ['root ::= "a")', /'\)' is not expected/],
    ['root ::= [z-a]', /no range/],
    ['root ::= "\\q"', /\\q is not supported/],
    ['root ::= "a"{3,1}', /no count/],
    ['root ::= root "a" | "b"', /root begins with itself/],
    ['root ::= list\nlist ::= blank list "x" | "y"\nblank ::= " "?', /list begins with itself/],
    ['root ::= "a" root', /no text at all/],
  ];
  for (const [source, message] of refused) {
    assert.throws(() => new Network(readGbnf(source)), { code: 'INFERENCE_BAD_OPTION', message }, source);
  }
});

test('an automaton that forgets its states reads on as before', () => {
  const network = new Network(readGbnf('root ::= "[" (root ("," root)*)? "]" | [0-9]+'));
  const [roomy, narrow] = [new Automaton(network), new Automaton(network, 3)];
  const depth = 60;
  const nested = `${'['.repeat(depth)}7,[12],[]${']'.repeat(depth)}`;
  for (const text of [nested, nested.slice(1), `${nested}]`, '[1,2,[3]]', '[1,,2]']) {
    const [wide, tight] = [roomy, narrow].map((automaton) => {
      let state: State | null = automaton.start;
      for (const byte of Buffer.from(text)) if (state !== null) state = automaton.step(state, byte);
      return state?.accepts ?? false;
    });
    assert.equal(tight, wide, text.slice(0, 20));
  }
});
