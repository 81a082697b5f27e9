// A GPT, trained on one classic and asked to go on, in one file. Run: npx node examples/03-gpt.ts
// Shapes: B batch, T time, C channels, H heads, D head width, V vocabulary.
import * as torch from '@tunan/torch';

// The opening of the Three Character Classic (三字经, 13th century).
const text =
  `人之初，性本善。性相近，习相远。苟不教，性乃迁。教之道，贵以专。昔孟母，择邻处。子不学，断机杼。窦燕山，有义方。教五子，名俱扬。
养不教，父之过。教不严，师之惰。子不学，非所宜。幼不学，老何为。玉不琢，不成器。人不学，不知义。为人子，方少时。亲师友，习礼仪。
香九龄，能温席。孝于亲，所当执。融四岁，能让梨。弟于长，宜先知。首孝悌，次见闻。知某数，识某文。一而十，十而百。百而千，千而万。`.replaceAll(
    '\n',
    '',
  );

const characters = [...new Set(text)];
const ids = [...text].map((character) => characters.indexOf(character));
const [B, T, C, H, layers] = [8, 32, 64, 4, 2];
const [D, V] = [C / H, characters.length];
torch.manualSeed(1);
const corpus = torch.tensor(ids, { dtype: 'int64' });

const parameters: torch.Tensor[] = [];
function parameter(made: torch.Tensor): torch.Tensor {
  made.requiresGrad = true;
  parameters.push(made);
  return made;
}
const matrix = (rows: number, columns: number) => parameter(torch.empty([rows, columns]).normal_(0, 0.05));
const norm = () => ({ weight: parameter(torch.ones([C])), bias: parameter(torch.zeros([C])) });
const linear = (inputs: number, outputs: number) => ({
  weight: matrix(inputs, outputs),
  bias: parameter(torch.zeros([outputs])),
});

const [tokens, positions] = [matrix(V, C), matrix(T, C)];
const blocks = Array.from({ length: layers }, () => ({
  norm1: norm(),
  qkv: linear(C, 3 * C),
  out: linear(C, C),
  norm2: norm(),
  up: linear(C, 4 * C),
  down: linear(4 * C, C),
}));
const last = norm();

/** ids (batch, time) → hidden states (batch, time, C). */
function forward(input: torch.Tensor): torch.Tensor {
  const [batch, time] = input.shape as [number, number];
  let x = torch.embedding(tokens, input).add(torch.embedding(positions, torch.arange(0, time)));
  for (const { norm1, qkv, out, norm2, up, down } of blocks) {
    const projected = torch.affine(torch.layerNorm(x, norm1.weight, norm1.bias), qkv.weight, qkv.bias);
    const [q, k, v] = projected.split([C, C, C], 2).map((part) => part.view(batch, time, H, D));
    const mixed = torch.attention(q!, k!, v!).reshape(batch, time, C);
    x = torch.affineResidual(x, mixed, out.weight, out.bias);
    const inner = torch.affineGelu(torch.layerNorm(x, norm2.weight, norm2.bias), up.weight, up.bias);
    x = torch.affineResidual(x, inner, down.weight, down.bias);
  }
  return torch.layerNorm(x, last.weight, last.bias);
}

const named = Object.fromEntries(parameters.entries()); // 0, 1, …: names matter where the optimizer's state is kept
const optimizer = new torch.AdamW([{ parameters: named, weightDecay: 0.01 }], {
  learningRate: 3e-3,
  betas: [0.9, 0.95],
});
const count = parameters.reduce((sum, { size }) => sum + size, 0);
console.log(`${count} parameters, ${ids.length} characters of ${V} kinds`);
for (let step = 0; step <= 200; step++) {
  torch.scope(() => {
    const starts = Array.from(torch.randint(0, ids.length - T, [B]).toArray(), Number);
    const batch = (shift: number) => torch.stack(starts.map((start) => corpus.narrow(0, start + shift, T))); // (B, T)
    const loss = torch.linearCrossEntropy(forward(batch(0)).view(B * T, C), tokens, batch(1).view(B * T));
    optimizer.zeroGrad();
    loss.backward();
    torch.clipGradNorm(parameters, 1);
    optimizer.step();
    if (step % 40 === 0) console.log(`step ${step} loss ${loss.item().toFixed(4)}`);
  });
}

const written = ids.slice(0, 4);
while (written.length < 64) {
  const next = torch.noGrad(() =>
    torch.scope(() => {
      const hidden = forward(torch.tensor([written.slice(-T)], { dtype: 'int64' })).select(1, -1); // (1, C)
      return torch.multinomial(torch.linear(hidden, tokens).div(0.5).softmax(-1), 1).item();
    }),
  );
  written.push(next);
}
console.log(written.map((id) => characters[id]).join(''));
