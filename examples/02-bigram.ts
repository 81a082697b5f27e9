// The smallest language model: the next character from the one before, learnt by gradient descent. Run: npx node examples/02-bigram.ts
import {
  AdamW,
  crossEntropy,
  linearCrossEntropy,
  manualSeed,
  multinomial,
  noGrad,
  scope,
  tensor,
  zeros,
} from '@tunan/torch';

// Nursery couplets in the old manner, each line ended by a full stop.
const text = `天上星星亮晶晶。地上花儿红又青。星星照着小花儿。花儿望着小星星。
山前小河水清清。山后小鸟叫声声。小河流过小山村。小鸟飞过小树林。
春天花儿满山红。夏天荷叶满池青。秋天果子满树香。冬天雪花满天飞。`.replaceAll('\n', '');

const characters = [...new Set(text)];
const ids = [...text].map((character) => characters.indexOf(character));
const V = characters.length;

manualSeed(1);
const inputs = tensor(ids.slice(0, -1), { dtype: 'int64' }); // (N)
const targets = tensor(ids.slice(1), { dtype: 'int64' }); // (N)
const table = zeros([V, V], { requiresGrad: true }); // row: the character before; column: the logit of the next
const optimizer = new AdamW([{ parameters: { table }, weightDecay: 0 }], { learningRate: 0.3 });

console.log(
  `${ids.length} characters, ${V} different; a uniform guess costs ${Math.log(V).toFixed(3)} nats a character`,
);
for (let step = 0; step <= 100; step++) {
  scope(() => {
    const loss = crossEntropy(table.indexSelect(0, inputs), targets);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    if (step % 20 === 0) console.log(`step ${step} loss ${loss.item().toFixed(4)}`);
  });
}

// What counting gives: no bigram model can do better on this text, and descent arrives there.
const pairs = Map.groupBy(ids.slice(1).keys(), (i) => ids[i]!);
let best = 0;
for (const places of pairs.values()) {
  const next = Map.groupBy(places, (i) => ids[i + 1]!);
  for (const { length } of next.values()) best -= length * Math.log(length / places.length);
}
console.log(`counting pairs gives ${(best / (ids.length - 1)).toFixed(4)}`);

// The same loss as a product of one-hot rows with the table: the fused loss of large models agrees.
scope(() => {
  const oneHot = tensor(ids.slice(0, -1).map((id) => Array.from({ length: V }, (_, i) => Number(i === id))));
  const fused = noGrad(() => linearCrossEntropy(oneHot, table.transpose(0, 1), targets));
  console.log(`fused loss ${fused.item().toFixed(4)}`);
});

const written: number[] = [characters.indexOf('小')];
while (written.length < 40) {
  written.push(scope(() => multinomial(table.select(0, written.at(-1)!).softmax(0), 1).item()));
}
console.log(written.map((id) => characters[id]).join(''));
