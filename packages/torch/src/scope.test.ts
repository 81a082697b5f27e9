import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { keep, liveTensors, memory, noGrad, ones, scope, type Tensor, TorchError, tensor } from './index.ts';

/** Runs `body` and says how many tensors it leaves alive. */
function leftBehind(body: () => void): number {
  const before = liveTensors();
  body();
  return liveTensors() - before;
}

describe('scope', () => {
  test('frees what was made inside, at any depth of calls', () => {
    let inner: Tensor | undefined;
    const left = leftBehind(() => {
      scope(() => {
        inner = ones([2, 3]).add(1).mul(2);
      });
    });
    assert.equal(left, 0);
    assert.equal(inner?.disposed, true);
  });

  test('returned tensors live on, in arrays, plain objects, maps and sets', () => {
    const left = leftBehind(() => {
      const made = scope(() => {
        ones([5]);
        return {
          one: ones([1]),
          list: [ones([2]), 7, 'text'],
          map: new Map([['a', ones([3])]]),
          set: new Set([ones([4])]),
        };
      });
      const tensors = [made.one, made.list[0] as Tensor, made.map.get('a')!, ...made.set];
      assert.deepEqual(
        tensors.map((kept) => kept.size),
        [1, 2, 3, 4],
      );
      assert.equal(made.one.item(), 1);
      for (const kept of tensors) kept.dispose();
    });
    assert.equal(left, 0);
  });

  test('a result belongs to the scope around', () => {
    const left = leftBehind(() => {
      scope(() => {
        const outer = scope(() => scope(() => ones([3])));
        assert.equal(outer.disposed, false);
        assert.equal(outer.sum().item(), 3);
      });
    });
    assert.equal(left, 0);
  });

  test('an outer tensor returned from an inner scope stays with its own', () => {
    scope(() => {
      const outer = ones([2]);
      assert.equal(
        scope(() => outer),
        outer,
      );
      assert.equal(outer.disposed, false);
    });
  });

  test('keep takes tensors out of all open scopes', () => {
    let kept: { readonly weight: Tensor } | undefined;
    scope(() => {
      scope(() => {
        kept = keep({ weight: ones([2]) });
      });
    });
    assert.equal(kept?.weight.disposed, false);
    kept?.weight.dispose();
  });

  test('an exception frees what was made', () => {
    const left = leftBehind(() => {
      assert.throws(
        () =>
          scope(() => {
            ones([2]);
            scope(() => ones([3]).matmul(ones([4])));
          }),
        TorchError,
      );
    });
    assert.equal(left, 0);
    // The stack of scopes is as before: a tensor made now belongs to none.
    const free = ones([1]);
    scope(() => {});
    assert.equal(free.disposed, false);
    free.dispose();
  });

  test('an asynchronous body is refused, and what it made until then freed', () => {
    const left = leftBehind(() => {
      assert.throws(() => scope(async () => ones([2])), /scope\(\) takes a synchronous function/);
    });
    assert.equal(left, 0);
  });

  test('the graph of a loss is freed with its last tensor', () => {
    scope(() => {
      const weight = ones([64, 64], { requiresGrad: true });
      const before = memory().allocatedBytes;
      scope(() => weight.matmul(weight).tanh().sum().backward());
      weight.grad = undefined;
      assert.equal(memory().allocatedBytes, before);
    });
  });
});

describe('dispose', () => {
  test('a second call does nothing', () => {
    const x = ones([2]);
    const before = liveTensors();
    x.dispose();
    x.dispose();
    assert.equal(liveTensors(), before - 1);
  });

  test('using', () => {
    const left = leftBehind(() => {
      using x = ones([2]);
      using sum = x.sum();
      assert.equal(sum.item(), 2);
    });
    assert.equal(left, 0);
  });

  test('a disposed tensor is refused with the name of the operation', () => {
    scope(() => {
      const x = tensor([1, 2]);
      const y = ones([2]);
      x.dispose();
      const refused = (body: () => unknown, message: RegExp) =>
        assert.throws(body, { name: 'TorchError', code: 'TORCH_OPERATION', message });
      refused(
        () => x.add(y),
        /^aten::add of a disposed tensor and \(2\) float32: argument self: the tensor was disposed/,
      );
      refused(() => y.matmul(x), /^aten::matmul of \(2\) float32 and a disposed tensor: .*the tensor was disposed/);
      refused(() => x.item(), /^item: the tensor was disposed/);
      refused(() => x.toArray(), /the tensor was disposed/);
      refused(() => x.backward(), /^backward: the tensor was disposed/);
      refused(() => x.grad, /^grad: the tensor was disposed/);
    });
  });

  test('a view outlives the tensor it was taken from', () => {
    scope(() => {
      const x = ones([4]);
      const view = x.narrow(0, 1, 2);
      x.dispose();
      assert.deepEqual(view.toNested(), [1, 1]);
    });
  });
});

test('noGrad records nothing, nests, and ends with an exception', () => {
  scope(() => {
    const x = ones([2], { requiresGrad: true });
    noGrad(() => {
      noGrad(() => {});
      assert.equal(x.mul(2).requiresGrad, false);
    });
    assert.equal(x.mul(2).requiresGrad, true);
    assert.throws(() =>
      noGrad(() => {
        throw new Error('inside');
      }),
    );
    assert.equal(x.mul(2).requiresGrad, true);
    assert.throws(() => noGrad(async () => {}), /noGrad\(\) takes a synchronous function/);
    assert.equal(x.mul(2).requiresGrad, true);
  });
});

test('the garbage collector frees tensors that no one disposed', () => {
  const program = `
    import { liveTensors, memory, ones } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
    for (let i = 0; i < 100; i++) ones([1000]);
    const made = liveTensors();
    for (let turn = 0; turn < 20 && liveTensors() > 0; turn++) {
      globalThis.gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    console.log(JSON.stringify({ made, left: liveTensors(), bytes: memory().allocatedBytes }));
  `;
  const output = execFileSync(process.execPath, ['--expose-gc', '--input-type=module-typescript', '-e', program], {
    encoding: 'utf8',
  });
  const { made, left, bytes } = JSON.parse(output);
  assert.equal(made, 100);
  assert.equal(left, 0);
  assert.equal(bytes, 0);
});
