// llm.c (github.com/karpathy/llm.c) made ready for a shape: our weights of seed 1 in its checkpoint format, the tokens, and its
// train_gpt2.c compiled with the flags of its Makefile into a driver that takes orders.
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { LanguageModel, padVocabulary } from '@tunan/model';
import { cat, noGrad, scope, type Tensor, zeros } from '@tunan/torch';
import { configOf, type Shape, tokensOf } from './shapes.ts';

/** The header of a float32 checkpoint of train_gpt2.py: magic, version, sizes, zeros. */
const MAGIC = 20240326;
const VERSION = 3;
const HEADER_INTEGERS = 256;

/** Its sixteen tensors in order; those of a layer are stored for all layers one after another, matrices as (out, in). */
const TENSORS = [
  'wte.weight',
  'wpe.weight',
  'ln_1.weight',
  'ln_1.bias',
  'attn.c_attn.weight',
  'attn.c_attn.bias',
  'attn.c_proj.weight',
  'attn.c_proj.bias',
  'ln_2.weight',
  'ln_2.bias',
  'mlp.c_fc.weight',
  'mlp.c_fc.bias',
  'mlp.c_proj.weight',
  'mlp.c_proj.bias',
  'ln_f.weight',
  'ln_f.bias',
] as const;

function writeCheckpoint(file: string, shape: Shape): void {
  using model = LanguageModel.create(configOf(shape), { seed: 1 });
  const parameters = model.namedParameters();
  const padded = padVocabulary(shape.vocabulary);
  const header = new Int32Array(HEADER_INTEGERS);
  header.set([MAGIC, VERSION, shape.context, shape.vocabulary, shape.layers, shape.heads, shape.width, padded]);
  const descriptor = openSync(file, 'w');
  const append = (tensor: Tensor) => {
    const bytes = Buffer.from(tensor.contiguous().toArray().buffer);
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
  };
  try {
    writeSync(descriptor, header);
    noGrad(() => {
      for (const name of TENSORS) {
        const whole = parameters.get(`transformer.${name}`);
        const layers = Array.from({ length: shape.layers }, (_, layer) =>
          parameters.get(`transformer.h.${layer}.${name}`),
        );
        for (const tensor of whole ? [whole] : layers) {
          if (tensor === undefined) throw new Error(`the model has no parameter ${name}`);
          scope(() => {
            const isMatrix = whole === undefined && tensor.shape.length === 2;
            if (name !== 'wte.weight') append(isMatrix ? tensor.transpose(0, 1) : tensor);
            else append(cat([tensor, zeros([padded - shape.vocabulary, shape.width])]));
          });
        }
      }
    });
  } finally {
    closeSync(descriptor);
  }
}

function compile(source: string, output: string): void {
  const compiler = process.env.CC ?? 'cc';
  const driver = path.join(import.meta.dirname, 'llm-c-driver.c');
  const flags = ['-Ofast', '-march=native', '-fopenmp', '-DOMP', '-w'];
  const { status, stderr, error } = spawnSync(compiler, [...flags, `-I${source}`, driver, '-o', output, '-lm'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${compiler} could not compile llm.c: ${error?.message ?? stderr}`);
}

/**
 * @param source folder of llm.c
 * @param directory for the checkpoint, the tokens and the program
 * @returns the command that starts the driver
 */
export function prepareLlmC(source: string, directory: string, shape: Shape): string[] {
  if (!existsSync(path.join(source, 'train_gpt2.c')))
    throw new Error(`--llmc ${source} holds no train_gpt2.c; give the folder of a checkout of llm.c`);
  const checkpoint = path.join(directory, 'gpt2.bin');
  const tokens = path.join(directory, 'tokens.bin');
  const program = path.join(directory, 'llm-c');
  writeCheckpoint(checkpoint, shape);
  writeFileSync(tokens, tokensOf(shape));
  compile(path.resolve(source), program);
  return [program, checkpoint, tokens, String(shape.batch), String(shape.context)];
}
