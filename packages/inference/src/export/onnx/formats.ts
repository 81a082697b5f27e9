/** The formats that are ONNX files, and the types of weights that each has. */
import { int8Form } from './int8-form.ts';
import { qonnxInt8Form, qonnxPow2Form } from './qonnx-form.ts';
import { float16Form, float32Form, type WeightForm } from './weight-form.ts';

interface TypeOfWeights {
  /** In the folder of the format. For ONNX by transformers.js's names: it looks for these for its dtypes fp32, fp16 and q8. */
  readonly file: string;
  readonly form: WeightForm;
}

const types: Record<OnnxFormat, Readonly<Record<string, TypeOfWeights>>> = {
  onnx: {
    f32: { file: 'model.onnx', form: float32Form },
    f16: { file: 'model_fp16.onnx', form: float16Form },
    int8: { file: 'model_quantized.onnx', form: int8Form },
  },
  qonnx: {
    int8: { file: 'model_int8.onnx', form: qonnxInt8Form },
    pow2: { file: 'model_pow2.onnx', form: qonnxPow2Form },
  },
};

export type OnnxFormat = 'onnx' | 'qonnx';
export type OnnxType = 'f32' | 'f16' | 'int8' | 'pow2';

/** Those that a format has. */
export function onnxTypes(format: OnnxFormat): OnnxType[] {
  return Object.keys(types[format]) as OnnxType[];
}

/** @throws Error for a type that the format does not have */
export function typeOfWeights(format: OnnxFormat, type: OnnxType): TypeOfWeights {
  const found = types[format][type];
  if (found === undefined) throw new Error(`${format} has no ${type}`);
  return found;
}
