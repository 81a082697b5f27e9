/** The nodes of the llama family around attention: rotary positions, RMS norms, a gated MLP; Qwen2's biases and Qwen3's norms of heads. */
import { type ModelConfig, queryScale, rotaryFrequencies } from '@tunan/model';
import type { FamilyParts, PartsInput } from './family-parts.ts';
import { float32Tensor } from './weight-form.ts';

type LlamaConfig = Extract<ModelConfig, { family: 'llama' }>;

export function llamaParts(config: LlamaConfig, { graph, form, positions, weight }: PartsInput): FamilyParts {
  const { heads, kvHeads, headDim, variant, normEpsilon } = config;
  const vector = (name: string) => float32Tensor(graph, weight(name));
  const at = (layer: number, name: string) => `model.layers.${layer}.${name}`;
  const linear = (x: string, name: string) => form.multiply(graph, x, weight(`${name}.weight`).transposed);
  const norm = (x: string, name: string) => {
    const square = graph.apply('Pow', [x, graph.number(2)]);
    const mean = graph.apply('ReduceMean', [square, graph.integers([-1])]);
    const root = graph.apply('Sqrt', [graph.apply('Add', [mean, graph.number(normEpsilon)])]);
    return graph.apply('Mul', [graph.apply('Div', [x, root]), vector(`${name}.weight`)]);
  };
  const turn = rotation(config, graph, positions);
  return {
    embed: (ids) => form.lookUp(graph, ids, weight('model.embed_tokens.weight')),
    heads: (layer, stream) => {
      const normed = norm(stream, at(layer, 'input_layernorm'));
      const headsOf = (name: string, count: number) => {
        const place = at(layer, `self_attn.${name}_proj`);
        const rows = linear(normed, place);
        const biased = variant === 'qwen2' ? graph.apply('Add', [rows, vector(`${place}.bias`)]) : rows;
        return graph.apply('Reshape', [biased, graph.integers([0, 0, count, headDim])]);
      };
      const turned = (name: string, count: number) => {
        const each = headsOf(name, count);
        return turn(variant === 'qwen3' ? norm(each, at(layer, `self_attn.${name}_norm`)) : each);
      };
      return { queries: turned('q', heads), keys: turned('k', kvHeads), values: headsOf('v', kvHeads) };
    },
    join: (layer, stream, mixed) => {
      const middle = graph.apply('Add', [stream, linear(mixed, at(layer, 'self_attn.o_proj'))]);
      const normed = norm(middle, at(layer, 'post_attention_layernorm'));
      const gate = linear(normed, at(layer, 'mlp.gate_proj'));
      const open = graph.apply('Mul', [gate, graph.apply('Sigmoid', [gate])]);
      const wide = graph.apply('Mul', [open, linear(normed, at(layer, 'mlp.up_proj'))]);
      return graph.apply('Add', [middle, linear(wide, at(layer, 'mlp.down_proj'))]);
    },
    normalizeFinal: (stream) => norm(stream, 'model.norm'),
    scale: queryScale(config) / Math.sqrt(headDim),
    head: weight(config.tiedHead ? 'model.embed_tokens.weight' : 'lm_head.weight'),
  };
}

/** x (B, T, H, D): the first half of each head is turned against its second half by its position. */
function rotation(config: LlamaConfig, graph: PartsInput['graph'], positions: string): (x: string) => string {
  graph.place = 'rotary';
  const { headDim } = config;
  const half = headDim / 2;
  const places = graph.apply('Unsqueeze', [
    graph.apply('Cast', [positions], { attributes: { to: 1 } }),
    graph.integers([2, 3]),
  ]); // (B, T, 1, 1)
  const angles = graph.apply('Mul', [places, graph.numbers(rotaryFrequencies(config), [half])]); // (B, T, 1, D / 2)
  const [cosines, sines] = [graph.apply('Cos', [angles]), graph.apply('Sin', [angles])];
  const times = (a: string, b: string) => graph.apply('Mul', [a, b]);
  return (x) => {
    const [first, second] = graph.split(x, -1, [half, half]) as [string, string];
    const turned = [
      graph.apply('Sub', [times(first, cosines), times(second, sines)]),
      graph.apply('Add', [times(second, cosines), times(first, sines)]),
    ];
    return graph.apply('Concat', turned, { attributes: { axis: -1 } });
  };
}
