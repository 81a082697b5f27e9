/**
 * The graph of a decoder with a cache, with the inputs and outputs that Hugging Face Optimum gives such graphs and that transformers.js
 * looks for. Around the blocks of a family stand the mask, the cache, attention and the output matrix.
 * Shapes: B batch, P positions in the cache, T new positions, S = P + T, H heads, Hkv heads of keys and values, D head width.
 */
import { type ModelConfig, type StoredWeights, sizesOf } from '@tunan/model';
import type { FamilyParts, PartsInput } from './family-parts.ts';
import { gpt2Parts } from './gpt2-graph.ts';
import { Graph } from './graph.ts';
import { llamaParts } from './llama-graph.ts';
import type { WeightForm } from './weight-form.ts';
import { matrixOf } from './weight-source.ts';

/** Lengths of the inputs. Total is past and sequence. */
interface Lengths {
  readonly batch: number;
  readonly sequence: number;
  readonly past: number;
}

const anyLengths = {
  batch: 'batch_size',
  sequence: 'sequence_length',
  past: 'past_sequence_length',
  total: 'total_sequence_length',
};

/** Of masked positions: exp of it is 0, and a row of nothing else stays a number. */
const MASKED = -3.402823466e38;

/** @param lengths where they are fixed; otherwise a caller chooses them */
export function decoderGraph(weights: StoredWeights, form: WeightForm, lengths?: Lengths): Graph {
  const { config } = weights;
  const { layers, kvHeads, headDim, width, vocabularySize } = sizesOf(config);
  const { batch, sequence, past, total } = lengths
    ? { ...lengths, total: lengths.past + lengths.sequence }
    : anyLengths;
  const graph = new Graph();
  const ids = graph.input('input_ids', 'int64', [batch, sequence]);
  const seen = graph.input('attention_mask', 'int64', [batch, total]);
  const positions = graph.input('position_ids', 'int64', [batch, sequence]);
  const parts = partsOf(config, { graph, form, positions, weight: (name) => matrixOf(weights, name) });
  const order = lengths ? fixedOrder(graph, lengths) : orderOf(graph, ids, seen);
  const attention = attentionOf(graph, config, parts.scale, maskOf(graph, seen, order));
  graph.place = 'embed';
  let stream = parts.embed(ids);
  graph.output('logits', 'float32', [batch, sequence, vocabularySize]);
  for (let layer = 0; layer < layers; layer++) {
    graph.place = `layer.${layer}`;
    const heads = parts.heads(layer, stream);
    const cached = (name: 'key' | 'value', added: string): string => {
      const before = graph.input(`past_key_values.${layer}.${name}`, 'float32', [batch, kvHeads, past, headDim]);
      const output = `present.${layer}.${name}`;
      graph.output(output, 'float32', [batch, kvHeads, total, headDim]);
      return graph.apply('Concat', [before, headsFirst(graph, added)], { attributes: { axis: 2 }, output });
    };
    const keys = cached('key', heads.keys);
    const values = cached('value', heads.values);
    stream = parts.join(layer, stream, attention(headsFirst(graph, heads.queries), keys, values));
  }
  graph.place = 'head';
  const rows = graph.apply('Reshape', [parts.normalizeFinal(stream), graph.integers([-1, width])]);
  const scores = form.score(graph, rows, parts.head); // (B T, V)
  const shape = lengths
    ? graph.integers([lengths.batch, lengths.sequence, vocabularySize])
    : graph.apply('Concat', [graph.apply('Shape', [ids]), graph.integers([vocabularySize])], {
        attributes: { axis: 0 },
      });
  graph.apply('Reshape', [scores, shape], { output: 'logits' });
  return graph;
}

function partsOf(config: ModelConfig, input: PartsInput): FamilyParts {
  return config.family === 'llama' ? llamaParts(config, input) : gpt2Parts(config, input);
}

/** (B, T, H, D) → (B, H, T, D). */
function headsFirst(graph: Graph, heads: string): string {
  return graph.apply('Transpose', [heads], { attributes: { perm: [0, 2, 1, 3] } });
}

/** What is added to the scores, (B, T, S): nothing where a position is seen, MASKED where it is padding or comes later. */
function maskOf(graph: Graph, seen: string, notLater: string): string {
  graph.place = 'mask';
  const real = graph.apply('Cast', [graph.apply('Unsqueeze', [seen, graph.integers([1])])], { attributes: { to: 9 } });
  const open = graph.apply('And', [real, notLater]);
  return graph.apply('Where', [open, graph.number(0), graph.number(MASKED)]);
}

/**
 * Which positions come not later than each new one, (T, S). The place in the cache decides that, not position_ids, which begin behind
 * padding.
 */
function orderOf(graph: Graph, ids: string, seen: string): string {
  graph.place = 'order';
  const lengthOf = (value: string) =>
    graph.apply('Gather', [graph.apply('Shape', [value]), graph.integer(1)], { attributes: { axis: 0 } });
  const [total, added] = [lengthOf(seen), lengthOf(ids)];
  const past = graph.apply('Sub', [total, added]);
  const keys = graph.apply('Range', [graph.integer(0), total, graph.integer(1)]); // (S)
  const queries = graph.apply('Range', [past, total, graph.integer(1)]); // (T)
  return graph.apply('LessOrEqual', [keys, graph.apply('Unsqueeze', [queries, graph.integers([1])])]);
}

function fixedOrder(graph: Graph, { sequence, past }: Lengths): string {
  const total = past + sequence;
  const flags = Array.from({ length: sequence * total }, (_, at) => at % total <= past + Math.floor(at / total));
  return graph.flags(flags, [sequence, total]);
}

/**
 * Queries (B, H, T, D), keys and values (B, Hkv, S, D) → (B, T, H D). Heads of queries that share keys are a dimension of their own, so
 * that the keys need no copies.
 */
function attentionOf(
  graph: Graph,
  config: ModelConfig,
  scale: number,
  mask: string,
): (queries: string, keys: string, values: string) => string {
  const { heads, kvHeads, headDim } = sizesOf(config);
  const shared = heads !== kvHeads;
  const added = graph.apply('Unsqueeze', [mask, graph.integers(shared ? [1, 2] : [1])]);
  const reshape = (value: string, shape: readonly number[]) => graph.apply('Reshape', [value, graph.integers(shape)]);
  const beside = (value: string) => (shared ? graph.apply('Unsqueeze', [value, graph.integers([2])]) : value);
  return (queries, keys, values) => {
    const grouped = shared ? reshape(queries, [0, kvHeads, heads / kvHeads, -1, headDim]) : queries;
    const turned = graph.apply('Transpose', [keys], { attributes: { perm: [0, 1, 3, 2] } });
    const products = graph.apply('MatMul', [graph.apply('Mul', [grouped, graph.number(scale)]), beside(turned)]);
    const masked = graph.apply('Add', [products, added]);
    const shares = graph.apply('Softmax', [masked], { attributes: { axis: -1 } });
    const mixed = graph.apply('MatMul', [shares, beside(values)]);
    const each = shared ? reshape(mixed, [0, heads, -1, headDim]) : mixed; // (B, H, T, D)
    return reshape(headsFirst(graph, each), [0, 0, heads * headDim]);
  };
}
