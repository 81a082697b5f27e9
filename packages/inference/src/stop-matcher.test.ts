import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { StopMatcher } from './stop-matcher.ts';

function run(pieces: readonly string[], stops: readonly string[]): { shown: string[]; stopped: boolean } {
  const matcher = new StopMatcher(stops);
  const shown = pieces.map((piece) => matcher.push(piece));
  shown.push(matcher.end());
  return { shown, stopped: matcher.stopped };
}

test('the text is cut before a stop string, across pieces too', () => {
  assert.deepEqual(run(['床前明', '月光。\n', '\n疑是'], ['\n\n']), {
    shown: ['床前明', '月光。', '', ''],
    stopped: true,
  });
  assert.deepEqual(run(['一二三'], ['二']), { shown: ['一', ''], stopped: true });
});

test('a beginning that does not become a stop string is let through later', () => {
  assert.deepEqual(run(['春\n', '夏'], ['\n\n']), { shown: ['春', '\n夏', ''], stopped: false });
  assert.deepEqual(run(['春\n'], ['\n\n']), { shown: ['春', '\n'], stopped: false });
});

test('the occurrence that is complete first wins, of equal ends the longer one', () => {
  assert.equal(run(['xabcd'], ['abcd', 'bc']).shown.join(''), 'xa');
  assert.equal(run(['xabc'], ['c', 'abc']).shown.join(''), 'x');
});

test('a stop string that overlaps itself is found', () => {
  assert.deepEqual(run(['aa', 'ab'], ['aab']), { shown: ['', 'a', ''], stopped: true });
});

test('property: the pieces do not matter, and no stop string is ever shown', () => {
  const letters = fc.constantFrom('a', 'b', '春', '𠀀');
  const word = (least: number, most: number) =>
    fc.array(letters, { minLength: least, maxLength: most }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.array(word(0, 4), { maxLength: 12 }), fc.array(word(1, 4), { maxLength: 4 }), (pieces, stops) => {
      const text = pieces.join('');
      const whole = run([text], stops);
      const cut = run(pieces, stops);
      const shown = cut.shown.join('');
      assert.equal(shown, whole.shown.join(''));
      assert.equal(cut.stopped, whole.stopped);
      assert.ok(text.startsWith(shown));
      if (cut.stopped) assert.ok(stops.some((stop) => text.startsWith(stop, shown.length)));
      else assert.ok(shown === text && !stops.some((stop) => text.includes(stop)));
      let sofar = '';
      for (const part of cut.shown) {
        sofar += part;
        assert.ok(text.startsWith(sofar) && !stops.some((stop) => sofar.includes(stop)));
      }
    }),
    { numRuns: 1000 },
  );
});

test('where the stop string belongs to the text, the cut is behind it', () => {
  const matcher = new StopMatcher(['。', '。。'], true);
  assert.deepEqual([matcher.push('春'), matcher.push('晓。。夜'), matcher.push('雨')], ['春', '晓。', '']);
  assert.ok(matcher.stopped);
});
