import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { mountSmallDisk } from '@tunan/files/testing/small-disk';
import {
  type DType,
  liveTensors,
  ones,
  randint,
  randn,
  readSafetensors,
  scope,
  type Tensor,
  TorchError,
  tensor,
  writeSafetensors,
  zeros,
} from './index.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'tunan-safetensors-'));
after(() => rmSync(directory, { recursive: true }));
const at = (name: string) => path.join(directory, name);
const golden = fileURLToPath(new URL('../../../tests/golden/safetensors-format.safetensors', import.meta.url));

/** A file of the given header and data bytes. */
function forge(name: string, header: unknown, dataBytes: number): string {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(at(name), Buffer.concat([length, json, Buffer.alloc(dataBytes)]));
  return at(name);
}

function refused(body: () => unknown, message: RegExp): void {
  assert.throws(body, (error) => {
    assert.ok(error instanceof TorchError, String(error));
    assert.equal(error.code, 'TORCH_SAFETENSORS');
    assert.ok(!error.message.includes('\n'));
    assert.match(error.message, message);
    return true;
  });
}

const notWritten = (message: RegExp) => ({ code: 'FILES_WRITE_FAILED', message });

describe('round trip', () => {
  test('every dtype, a scalar, an empty tensor, strides, metadata; in order', () => {
    scope(() => {
      const dtypes: DType[] = ['bool', 'uint8', 'bfloat16', 'float16', 'int32', 'float32', 'int64', 'float64'];
      // Odd lengths of narrow dtypes first: the wider ones after them lie at odd places of the file.
      const tensors = new Map<string, Tensor>(dtypes.map((dtype) => [`${dtype}`, randint(0, 2, [3]).to(dtype)]));
      tensors.set('2', tensor(-1.5));
      tensors.set('1', zeros([0, 4]));
      tensors.set('transposed', randn([3, 5]).transpose(0, 1));
      tensors.set('__proto__', ones([2]));
      tensors.set('词表', ones([1]));
      const metadata = { format: 'pt', 序: '"滕王阁"\n' };
      writeSafetensors(at('all'), tensors, metadata);
      const file = readSafetensors(at('all'));
      assert.deepEqual(file.names(), [...tensors.keys()]);
      assert.deepEqual({ ...file.metadata }, metadata);
      for (const [name, original] of tensors) {
        const read = file.get(name);
        assert.deepEqual(read.shape, original.shape, name);
        assert.deepEqual(file.shape(name), original.shape, name);
        assert.equal(read.dtype, original.dtype, name);
        assert.deepEqual(read.toArray(), original.toArray(), name);
      }
      assert.equal(file.has('absent'), false);
      refused(() => file.get('absent'), /holds no tensor absent$/);
      assert.deepEqual(readdirSync(directory), ['all']);
    });
  });

  test('no tensors at all', () => {
    writeSafetensors(at('none'), new Map());
    const file = readSafetensors(at('none'));
    assert.deepEqual(file.names(), []);
    assert.deepEqual({ ...file.metadata }, {});
  });

  test('the data begins at a multiple of 8 bytes', () => {
    scope(() => {
      for (const name of ['a', 'ab', '图', 'abcd', 'abcde']) {
        writeSafetensors(at('aligned'), new Map([[name, ones([1])]]));
        assert.equal(readFileSync(at('aligned')).readBigUInt64LE() % 8n, 0n);
      }
    });
  });

  test('a name is read after the file was replaced: the earlier bytes stay', () => {
    scope(() => {
      writeSafetensors(at('replaced'), new Map([['x', ones([1000])]]));
      const earlier = readSafetensors(at('replaced')).get('x');
      writeSafetensors(at('replaced'), new Map([['x', zeros([1000])]]));
      assert.equal(earlier.sum().item(), 1000);
      assert.equal(readSafetensors(at('replaced')).get('x').sum().item(), 0);
    });
  });
});

describe('mapped tensors', () => {
  test('writing into one changes neither the file nor another reader', () => {
    scope(() => {
      writeSafetensors(at('mapped'), new Map([['x', ones([5000])]]));
      const bytes = readFileSync(at('mapped'));
      const x = readSafetensors(at('mapped')).get('x');
      x.fill_(7);
      assert.equal(x.sum().item(), 35_000);
      assert.deepEqual(readFileSync(at('mapped')), bytes);
      assert.equal(readSafetensors(at('mapped')).get('x').sum().item(), 5000);
    });
  });

  test('a tensor keeps the mapping alive, and is freed as any other', () => {
    const before = liveTensors();
    writeSafetensors(at('alive'), new Map([['x', scope(() => ones([100]))]]));
    scope(() => {
      const x = readSafetensors(at('alive')).get('x');
      rmSync(at('alive'));
      assert.equal(x.sum().item(), 100);
    });
    assert.equal(liveTensors(), before + 1); // the one that was written
  });
});

test("reads what Hugging Face's library writes, and the other way round gives the same tensors", () => {
  scope(() => {
    const file = readSafetensors(golden);
    assert.deepEqual({ ...file.metadata }, { format: 'pt', 诗: '滕王阁序' });
    const numbers = [
      [-2.5, -1.5, -0.5],
      [0.5, 1.5, 2.5],
    ];
    for (const [name, dtype] of [
      ['f64', 'float64'],
      ['f32', 'float32'],
      ['bf16', 'bfloat16'],
      ['f16', 'float16'],
    ] as const) {
      assert.equal(file.get(name).dtype, dtype);
      assert.deepEqual(file.get(name).toNested(), numbers, name);
    }
    assert.deepEqual([...(file.get('i64').toArray() as BigInt64Array)], [-(2n ** 62n), 0n, 2n ** 62n]);
    assert.deepEqual(file.get('i32').toNested(), [-(2 ** 31), 2 ** 31 - 1]);
    assert.deepEqual(file.get('u8').toNested(), [0, 127, 255]);
    assert.equal(file.get('bool').dtype, 'bool');
    assert.deepEqual(file.get('bool').toNested(), [1, 0, 1]);
    assert.equal(file.get('标量').item(), 7.25);
    assert.deepEqual(file.get('empty').shape, [0, 4]);
    // The same tensors in the same order are the same data bytes.
    writeSafetensors(at('again'), new Map(file.names().map((name) => [name, file.get(name)])), file.metadata);
    const data = (name: string) => {
      const bytes = readFileSync(name);
      return bytes.subarray(8 + Number(bytes.readBigUInt64LE()));
    };
    assert.deepEqual(data(at('again')), data(golden));
  });
});

describe('files that are not well', () => {
  const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };

  test('absent, a directory, empty, foreign', () => {
    refused(() => readSafetensors(at('absent')), /^cannot read .*ENOENT/);
    refused(() => readSafetensors(directory), /^cannot read .*EISDIR/);
    writeFileSync(at('empty'), '');
    refused(() => readSafetensors(at('empty')), /is not a safetensors file: it is shorter than 8 bytes/);
    writeFileSync(at('foreign'), 'PK\x03\x04 a zip file of an older checkpoint');
    refused(() => readSafetensors(at('foreign')), /is not a safetensors file: its header length is impossible/);
  });

  test('damaged headers', () => {
    for (const [header, message] of [
      ['{"x": ', /its header is not JSON/],
      ['null', /its header is not an object/],
      ['[]', /its header is not an object/],
      [{ __metadata__: { a: 1 } }, /its metadata is not an object of strings/],
      [{ x: null }, /tensor x is not described by an object/],
      [{ x: { ...entry, dtype: 'F8_E4M3' } }, /tensor x has the dtype F8_E4M3, which is not supported/],
      [{ x: { ...entry, dtype: undefined } }, /tensor x has the dtype undefined/],
      [{ x: { ...entry, shape: '2' } }, /tensor x has no valid shape or data_offsets/],
      [{ x: { ...entry, shape: [-1, -2] } }, /tensor x has no valid shape or data_offsets/],
      [{ x: { ...entry, shape: [0.5, 4] } }, /tensor x has no valid shape or data_offsets/],
      [{ x: { ...entry, data_offsets: [0] } }, /tensor x has no valid shape or data_offsets/],
      [{ x: { ...entry, shape: [3] } }, /tensor x takes 8 bytes where its shape takes 12/],
      [{ x: { ...entry, data_offsets: [8, 16] } }, /tensor x reaches past the end of the file; the file is truncated/],
      [
        { x: { dtype: 'U8', shape: [4], data_offsets: [4, 8] } },
        /tensor x begins at byte 4 of the data, but the one before ends at 0/,
      ],
      [{ x: entry, y: entry }, /tensor y begins at byte 0 of the data, but the one before ends at 8/],
      [{ x: { dtype: 'U8', shape: [4], data_offsets: [0, 4] } }, /4 bytes at its end belong to no tensor/],
    ] as const) {
      refused(() => readSafetensors(forge('damaged', header, 8)), message);
    }
  });

  test('cut short anywhere', () => {
    scope(() =>
      writeSafetensors(
        at('whole'),
        new Map([
          ['x', randn([3])],
          ['y', randn([2])],
        ]),
      ),
    );
    const whole = readFileSync(at('whole'));
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(at('cut'), whole.subarray(0, length));
      refused(() => readSafetensors(at('cut')), /shorter than 8 bytes|header length is impossible|truncated/);
    }
  });
});

describe('writing that fails leaves the earlier file', () => {
  const asRoot = process.getuid?.() === 0;

  test('a directory that is not there', () => {
    scope(() =>
      assert.throws(
        () => writeSafetensors(at('no/such/x'), new Map([['x', ones([1])]])),
        notWritten(/^cannot write .*its folder does not exist/),
      ),
    );
  });

  test('a directory in the place of the file', () => {
    mkdirSync(at('occupied/full'), { recursive: true });
    scope(() =>
      assert.throws(
        () => writeSafetensors(at('occupied'), new Map([['x', ones([1])]])),
        notWritten(/^cannot write .*folder/),
      ),
    );
    assert.ok(!readdirSync(directory).some((name) => name.endsWith('.partial')));
  });

  test('a read-only directory', { skip: asRoot && 'root may write everywhere' }, () => {
    mkdirSync(at('locked'), { mode: 0o555 });
    scope(() =>
      assert.throws(
        () => writeSafetensors(at('locked/x'), new Map([['x', ones([1])]])),
        notWritten(/permission denied/),
      ),
    );
  });

  test('a disposed tensor, a reserved name', () => {
    scope(() => {
      writeSafetensors(at('earlier'), new Map([['x', ones([3])]]));
      const gone = ones([3]);
      assert.equal(gone.size, 3);
      gone.dispose();
      assert.throws(() => writeSafetensors(at('earlier'), new Map([['x', gone]])), /the tensor was disposed/);
      refused(
        () => writeSafetensors(at('earlier'), new Map([['__metadata__', ones([3])]])),
        /no tensor can be named __metadata__/,
      );
      assert.equal(readSafetensors(at('earlier')).get('x').sum().item(), 3);
    });
    assert.ok(!readdirSync(directory).some((name) => name.endsWith('.partial')));
  });

  test('a full disk', (t) => {
    const disk = mountSmallDisk(t, '64k');
    if (disk === undefined) return;
    scope(() => {
      const file = path.join(disk.directory, 'x');
      writeSafetensors(file, new Map([['x', ones([10])]]));
      assert.throws(
        () => writeSafetensors(file, new Map([['x', ones([100_000])]])),
        notWritten(/^cannot write .*x: the disk is full: free some space/),
      );
      assert.equal(readSafetensors(file).get('x').sum().item(), 10);
      assert.deepEqual(readdirSync(disk.directory), ['x']);
    });
  });
});

test('a closed file gives no more tensors, and those taken from it stay', () => {
  scope(() => {
    writeSafetensors(at('closed.safetensors'), new Map([['a', ones([3])]]));
    let kept: Tensor;
    {
      using file = readSafetensors(at('closed.safetensors'));
      kept = file.get('a');
    }
    assert.deepEqual([...kept.toArray()], [1, 1, 1]);
    const file = readSafetensors(at('closed.safetensors'));
    file[Symbol.dispose]();
    assert.throws(() => file.get('a'), /the file is closed/);
  });
});
