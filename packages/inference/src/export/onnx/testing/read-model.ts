/** An ONNX file read by a library, protobufjs, from what onnx.proto says of the fields that tests look at. */
import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';

const { root } = protobuf.parse(`
  syntax = "proto3";
  message Entry { string key = 1; string value = 2; }
  message Dimension { int64 dim_value = 1; string dim_param = 2; }
  message Shape { repeated Dimension dim = 1; }
  message TensorType { int32 elem_type = 1; Shape shape = 2; }
  message Type { TensorType tensor_type = 1; }
  message ValueInfo { string name = 1; Type type = 2; }
  message Tensor { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; }
  message Node { repeated string input = 1; repeated string output = 2; string op_type = 4; string domain = 7; }
  message Annotation { string tensor_name = 1; repeated Entry quant_parameter_tensor_names = 2; }
  message Graph {
    repeated Node node = 1;
    repeated Tensor initializer = 5;
    repeated ValueInfo input = 11;
    repeated ValueInfo output = 12;
    repeated Annotation quantization_annotation = 14;
  }
  message Opset { string domain = 1; int64 version = 2; }
  message Model { int64 ir_version = 1; Graph graph = 7; repeated Opset opset_import = 8; }
`);

interface Value {
  readonly name: string;
  readonly type: { readonly tensorType: { readonly shape: { readonly dim: readonly { dimValue: unknown }[] } } };
}

export interface ReadModel {
  readonly graph: {
    readonly node: readonly {
      readonly input: readonly string[];
      readonly output: readonly string[];
      readonly opType: string;
      readonly domain: string;
    }[];
    readonly initializer: readonly { readonly name: string; readonly rawData: Uint8Array }[];
    readonly input: readonly Value[];
    readonly quantizationAnnotation: readonly {
      readonly tensorName: string;
      readonly quantParameterTensorNames: readonly { readonly key: string; readonly value: string }[];
    }[];
  };
  readonly opsetImport: readonly { readonly domain: string }[];
}

export function readModel(file: string): ReadModel {
  return root.lookupType('Model').decode(readFileSync(file)) as unknown as ReadModel;
}
