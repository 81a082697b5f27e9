/** The nodes of a GPT-2 around attention: learned positions, layer norms, biases, GELU by tanh. */
import { type ModelConfig, sizesOf } from '@tunan/model';
import type { FamilyParts, PartsInput } from './family-parts.ts';
import { float32Tensor } from './weight-form.ts';

type Gpt2Config = Exclude<ModelConfig, { family: 'llama' }>;

export function gpt2Parts(config: Gpt2Config, { graph, form, positions, weight }: PartsInput): FamilyParts {
  const { width, heads, headDim } = sizesOf(config);
  const at = (name: string) => weight(`transformer.${name}`);
  const vector = (name: string) => float32Tensor(graph, at(name));
  const linear = (x: string, name: string) =>
    graph.apply('Add', [form.multiply(graph, x, at(`${name}.weight`)), vector(`${name}.bias`)]);
  const norm = (x: string, name: string) =>
    graph.apply('LayerNormalization', [x, vector(`${name}.weight`), vector(`${name}.bias`)], {
      attributes: { axis: -1, epsilon: { float: config.layerNormEpsilon } },
    });
  return {
    embed: (ids) => {
      const tokens = form.lookUp(graph, ids, at('wte.weight'));
      return graph.apply('Add', [tokens, graph.apply('Gather', [vector('wpe.weight'), positions])]);
    },
    heads: (layer, stream) => {
      const joint = linear(norm(stream, `h.${layer}.ln_1`), `h.${layer}.attn.c_attn`);
      const [queries, keys, values] = graph
        .split(joint, -1, [width, width, width])
        .map((part) => graph.apply('Reshape', [part, graph.integers([0, 0, heads, headDim])]));
      return { queries: queries!, keys: keys!, values: values! };
    },
    join: (layer, stream, mixed) => {
      const middle = graph.apply('Add', [stream, linear(mixed, `h.${layer}.attn.c_proj`)]);
      const wide = linear(norm(middle, `h.${layer}.ln_2`), `h.${layer}.mlp.c_fc`);
      const bent = graph.apply('Gelu', [wide], { attributes: { approximate: 'tanh' } });
      return graph.apply('Add', [middle, linear(bent, `h.${layer}.mlp.c_proj`)]);
    },
    normalizeFinal: (stream) => norm(stream, 'ln_f'),
    scale: 1 / Math.sqrt(headDim),
    head: at('wte.weight'),
  };
}
