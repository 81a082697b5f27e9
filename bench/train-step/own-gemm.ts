// Square matrix products of our engine as a child of train-step.ts: `own-gemm.ts THREADS`. The order "float32 2048" runs one product
// of that size and answers {seconds}: the faster of libtorch's matmul and our affine.
import { createInterface } from 'node:readline';
import { affine, type DType, noGrad, randn, scope, setThreads, type Tensor } from '@tunan/torch';

setThreads(Number(process.argv[2]));
const operands = new Map<string, readonly [Tensor, Tensor]>();

function time(product: () => Tensor): number {
  const began = performance.now();
  scope(product);
  return (performance.now() - began) / 1000;
}

function measure(dtype: DType, size: number): number {
  const key = `${dtype} ${size}`;
  const known = operands.get(key);
  const [left, right] = known ?? [randn([size, size]).to(dtype), randn([size, size]).to(dtype)];
  const products = [() => left.matmul(right), () => affine(left, right)];
  if (known === undefined) {
    operands.set(key, [left, right]);
    products.forEach(time);
  }
  return Math.min(...products.map(time));
}

console.log('{}');
for await (const order of createInterface({ input: process.stdin })) {
  const [dtype, size] = order.split(' ') as [DType, string];
  console.log(JSON.stringify({ seconds: noGrad(() => measure(dtype, Number(size))) }));
}
