/** The linear maps of a model's blocks, as its family lists them: what an adapter can add to. */

import { familyOf, type ModelConfig } from '../model-config.ts';

export interface LinearMap {
  /** Of the parameters on disk, without .weight. */
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly layout: 'in-out' | 'out-in';
}

/** In the order of the forward pass. */
export function linearMapsOf(config: ModelConfig): LinearMap[] {
  return familyOf(config)
    .parameterShapes(config)
    .flatMap(({ name, shape, matrix }) => {
      if (matrix === undefined) return [];
      const [rows, columns] = shape as readonly [number, number];
      const [inputs, outputs] = matrix.layout === 'in-out' ? [rows, columns] : [columns, rows];
      return [{ name: name.replace(/\.weight$/, ''), inputs, outputs, layout: matrix.layout }];
    });
}
