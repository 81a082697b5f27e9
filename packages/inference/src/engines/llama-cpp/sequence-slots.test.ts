import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LEAST_SHARED, placeFor as placeForOpening, Slot } from './sequence-slots.ts';

const ALL = Number.POSITIVE_INFINITY;
const beginning = Array.from({ length: 100 }, (_, id) => id);
const tokens = (...more: number[]) => [...beginning, ...more];

const placeFor = (slots: readonly Slot[], ids: readonly number[], shared: number, adapter?: string) =>
  placeForOpening(slots, { ids, shared, adapter });

function slot(number: number, held: readonly number[], lastUse: number, prompt: readonly number[] = []): Slot {
  const made = new Slot(number);
  made.tokens = [...held];
  made.lastUse = lastUse;
  made.prompt = prompt;
  made.isOpen = prompt.length > 0;
  return made;
}

test('the sequence with the longest common beginning is taken; the last token is always computed', () => {
  const slots = [slot(0, [], 0), slot(1, tokens(7, 8, 9), 1), slot(2, tokens(7, 5), 2)];
  assert.deepEqual(placeFor(slots, tokens(7, 8, 6), ALL), { slot: slots[1], kept: 102, copyFrom: undefined });
  assert.deepEqual(placeFor(slots, tokens(7, 8, 9), ALL), { slot: slots[1], kept: 102, copyFrom: undefined });
});

test('a long beginning is not given up for a few tokens; a sequence that is all common goes on', () => {
  const slots = [slot(0, [], 0), slot(1, tokens(), 1), slot(2, [0, 1], 2)];
  assert.deepEqual(placeFor(slots, [0, 1, 2, 50], ALL), { slot: slots[2], kept: 2, copyFrom: undefined });
  assert.deepEqual(placeFor(slots.slice(0, 2), [0, 1, 2, 50], ALL), { slot: slots[0], kept: 0, copyFrom: undefined });
});

test('of none that begins alike the one unused for longest is taken', () => {
  const slots = [slot(0, [5], 3), slot(1, [6], 1), slot(2, [7], 2)];
  assert.deepEqual(placeFor(slots, [1, 2], ALL), { slot: slots[1], kept: 0, copyFrom: undefined });
});

test('a beginning in a sequence that is in use is copied, where it is longer by enough', () => {
  const inUse = slot(0, tokens(), 5, tokens());
  const slots = [inUse, slot(1, beginning.slice(0, 20), 1)];
  assert.deepEqual(placeFor(slots, tokens(4), ALL), { slot: slots[1], kept: 100, copyFrom: inUse });
  const nearly = [inUse, slot(1, beginning.slice(0, 101 - LEAST_SHARED), 1)];
  assert.equal((placeFor(nearly, tokens(4), ALL) as { copyFrom: unknown }).copyFrom, undefined);
});

test('a prompt waits for a beginning that is being computed, and takes what there is where all are in use', () => {
  const computing = slot(0, beginning.slice(0, 10), 1, tokens(3));
  assert.equal(placeFor([computing, slot(1, [], 0)], tokens(4), ALL), 'later');
  assert.equal(placeFor([computing], tokens(4), ALL), 'full');
  assert.notEqual(placeFor([computing, slot(1, [], 0)], beginning.slice(0, 20), ALL), 'later');
});

test('no more is taken over than may be', () => {
  const slots = [slot(0, tokens(), 1)];
  assert.deepEqual(placeFor(slots, tokens(4), 60), { slot: slots[0], kept: 60, copyFrom: undefined });
});

test('nothing is shared where every position is to be computed, and nothing of a step that failed', () => {
  const slots = [slot(0, tokens(), 1)];
  assert.deepEqual(placeFor(slots, tokens(4), 0), { slot: slots[0], kept: 0, copyFrom: undefined });
  const broken = slot(0, tokens(), 1, tokens());
  broken.isBroken = true;
  const other = slot(1, [], 0);
  assert.deepEqual(placeFor([broken, other], tokens(4), ALL), { slot: other, kept: 0, copyFrom: undefined });
});

test('what was computed under an adapter serves that adapter alone, and its place is free to all', () => {
  const under = slot(0, tokens(), 1);
  under.adapter = 'poems';
  assert.deepEqual(placeFor([under], tokens(4), ALL), { slot: under, kept: 0, copyFrom: undefined });
  assert.deepEqual(placeFor([under], tokens(4), ALL, 'riddles'), { slot: under, kept: 0, copyFrom: undefined });
  assert.deepEqual(placeFor([under], tokens(4), ALL, 'poems'), { slot: under, kept: 100, copyFrom: undefined });
  const [plain, computing] = [slot(1, [], 0), slot(2, [], 1, tokens(3))];
  computing.adapter = 'poems';
  assert.equal(placeFor([plain, computing], tokens(4), ALL, 'poems'), 'later');
  assert.notEqual(placeFor([plain, computing], tokens(4), ALL), 'later');
});
