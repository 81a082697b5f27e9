// Tensors, views, scopes and gradients: the engine in five steps. Run: npx node examples/01-tensors-and-autograd.ts
import { arange, liveTensors, manualSeed, noGrad, ones, randn, scope, TorchError, tensor } from '@tunan/torch';

manualSeed(1);

// 1. Tensors have a shape and a dtype; operations broadcast, views share memory.
scope(() => {
  const table = arange(0, 6).view(2, 3); // int64 (2, 3)
  console.log('table', table.toNested(), table.dtype, table.shape);
  console.log('its columns', table.transpose(0, 1).toNested());
  console.log(
    'scaled',
    table
      .to('float32')
      .mul(tensor([1, 10, 100]))
      .toNested(),
  );
});

// 2. Memory: a scope frees what was made inside, except what it returns.
const before = liveTensors();
const total = scope(() => {
  const products = randn([100, 100]).matmul(randn([100, 100]));
  return products.sum();
});
console.log(`tensors left by the scope: ${liveTensors() - before} (the returned sum)`);
total.dispose();

// 3. Gradients: d/dx of sum(x³) is 3x².
scope(() => {
  const x = tensor([1, 2, 3], { requiresGrad: true });
  x.pow(3).sum().backward();
  console.log('gradient of the sum of cubes', x.grad?.toNested());
});

// 4. Gradient descent: fit y = 3x - 2 from noisy points.
const slope = ones([1], { requiresGrad: true });
const shift = ones([1], { requiresGrad: true });
const x = randn([200, 1]);
const y = scope(() =>
  x
    .mul(3)
    .sub(2)
    .add(randn([200, 1]).mul(0.1)),
);
for (let step = 0; step <= 100; step++) {
  scope(() => {
    const loss = x.mul(slope).add(shift).sub(y).pow(2).mean();
    loss.backward();
    if (step % 25 === 0) console.log(`step ${step} loss ${loss.item().toFixed(4)}`);
    noGrad(() => {
      for (const parameter of [slope, shift]) {
        parameter.add_(parameter.grad!, -0.1);
        parameter.grad = undefined;
      }
    });
  });
}
console.log(`y = ${slope.item().toFixed(2)} x + ${shift.item().toFixed(2)}`);

// 5. A mistake names the operation, the shapes and the dtypes.
try {
  ones([2, 3]).matmul(ones([4, 5]));
} catch (error) {
  if (!(error instanceof TorchError)) throw error;
  console.log(error.message);
}
