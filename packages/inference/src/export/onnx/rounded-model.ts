/** A model in memory that computes with the rounded numbers of an ONNX file of it: to measure what the rounding costs. */
import { LanguageModel, StoredWeights } from '@tunan/model';
import { noGrad, scope, tensor } from '@tunan/torch';
import { type OnnxFormat, type OnnxType, typeOfWeights } from './formats.ts';
import { roundedInputs } from './rounded-inputs.ts';
import { matrixOf } from './weight-source.ts';

/**
 * Float32, all of it; the caller disposes of it.
 * @throws ModelError
 */
export function loadRounded(directory: string, format: OnnxFormat, type: OnnxType): LanguageModel {
  const { values, roundsInputs = false } = typeOfWeights(format, type).form;
  using weights = StoredWeights.open(directory);
  const model = LanguageModel.load(directory, { trainable: true, ...(roundsInputs && { makers: roundedInputs }) });
  const layouts = model.blockMatrices();
  for (const [name, parameter] of Object.entries(model.parameterGroups().decayed)) {
    if (name.endsWith('wpe.weight')) continue; // learned positions keep all their bits
    const matrix = matrixOf(weights, name);
    const columns = matrix.shape[1]!;
    let row = 0;
    for (const piece of values(matrix, layouts[name]?.layout === 'in-out' ? 'columns' : 'rows')) {
      const rows = piece.length / columns;
      noGrad(() => scope(() => parameter.narrow(0, row, rows).copy_(tensor(piece).view(rows, columns))));
      row += rows;
    }
  }
  return model;
}
