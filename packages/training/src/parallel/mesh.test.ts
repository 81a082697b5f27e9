import assert from 'node:assert/strict';
import test from 'node:test';
import { Mesh } from './mesh.ts';
import { type Axis, type MeshShape, meshOf, placeOf, rankAt, ranksAlong, sizeOf } from './mesh-shape.ts';

const shapes: MeshShape[] = [];
for (const tensor of [1, 2, 3]) {
  for (const data of [1, 2, 4]) for (const pipeline of [1, 2, 3]) shapes.push({ tensor, data, pipeline });
}

test('tensor ranks are neighbours, then data, then pipeline', () => {
  const shape = { tensor: 2, data: 3, pipeline: 2 };
  assert.deepEqual(placeOf(0, shape), { tensor: 0, data: 0, pipeline: 0 });
  assert.deepEqual(placeOf(1, shape), { tensor: 1, data: 0, pipeline: 0 });
  assert.deepEqual(placeOf(2, shape), { tensor: 0, data: 1, pipeline: 0 });
  assert.deepEqual(placeOf(6, shape), { tensor: 0, data: 0, pipeline: 1 });
  const place = { tensor: 1, data: 2, pipeline: 1 };
  assert.deepEqual(ranksAlong('tensor', place, shape), [10, 11]);
  assert.deepEqual(ranksAlong('data', place, shape), [7, 9, 11]);
  assert.deepEqual(ranksAlong('pipeline', place, shape), [5, 11]);
});

test('for every shape: ranks and places answer each other, and the groups of an axis divide all ranks', () => {
  for (const shape of shapes) {
    const ranks = Array.from({ length: sizeOf(shape) }, (_, rank) => rank);
    for (const rank of ranks) assert.equal(rankAt(placeOf(rank, shape), shape), rank);
    for (const axis of ['tensor', 'data', 'pipeline'] satisfies Axis[]) {
      const groups = new Set(ranks.map((rank) => ranksAlong(axis, placeOf(rank, shape), shape).join()));
      const members = [...groups].flatMap((group) => group.split(',').map(Number));
      assert.deepEqual(
        members.sort((a, b) => a - b),
        ranks,
      );
      assert.equal(groups.size, ranks.length / shape[axis]);
    }
  }
});

test('a mesh takes what tensor and pipeline leave as copies; what does not divide is refused with the nearest numbers', () => {
  assert.deepEqual(meshOf(8, { tensor: 2 }), { tensor: 2, pipeline: 1, data: 4 });
  assert.throws(() => meshOf(7, { tensor: 2, pipeline: 2 }), {
    code: 'TRAINING_BAD_LAYOUT',
    message: /^7 processes .* 2 x 2 .*: start 4 or 8$/,
  });
  assert.throws(() => meshOf(3, { tensor: 4 }), { message: /start 4$/ });
});

test('a process alone works on everything and is asked by nobody', async () => {
  using mesh = Mesh.alone();
  assert.deepEqual(mesh.share(3), [0, 1, 2]);
  assert.deepEqual(mesh.gather({ loss: Number.NaN }), [{ loss: Number.NaN }]);
  assert.equal(mesh.sum(2.5), 2.5);
  assert.equal(await mesh.once(() => 'done'), 'done');
  assert.throws(() => mesh.together(() => assert.fail('own error')), { message: 'own error' });
  assert.ok(mesh.isFirst && mesh.counts);
});
