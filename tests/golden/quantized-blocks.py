"""Golden bytes of the quantisers in packages/inference: ggml's own, and what the package `gguf` makes of them.

    .peers/bin/python tests/golden/quantized-blocks.py LIBRARY

LIBRARY is ggml's base library as node-llama-cpp brings it along: node_modules/@node-llama-cpp/*/bins/*/libggml-base.so (.dylib, .dll).
Writes quantized-blocks.json beside this file: the float32 input, the bytes of each type that ggml_quantize_chunk makes of it, and the
SHA-256 of the float32 that gguf.quants.dequantize reads from them. All in base64, little-endian.
"""

import base64
import ctypes
import hashlib
import json
import pathlib
import sys

import numpy
from gguf import GGMLQuantizationType, quants

BLOCK = 256
TYPES = ("Q8_0", "Q5_0", "Q4_0", "Q6_K", "Q5_K", "Q4_K")
READ_ONLY = ("Q5_1", "Q4_1", "Q3_K", "Q2_K", "IQ4_NL", "IQ4_XS")


def blocks():
    """Weights as they are in models, and such as are at the edge: zeros, one sign, one outlier, ties of rounding, tiny and large."""
    random = numpy.random.default_rng(1)
    x = (random.standard_normal((10, BLOCK)) * 0.05).astype("f4")
    x[1] = random.standard_t(2, BLOCK) * 0.1
    x[2] = 0
    x[3] = -numpy.abs(x[3])
    x[4, :32], x[4, 40] = 0.25, 30
    x[5] = numpy.round(x[5] * 20) / 20
    x[6] *= 1e-20
    x[7] *= 1e5
    x[8, ::3] = 0
    x[9] = 1e-6
    return x.reshape(-1)


def main(library):
    ggml = ctypes.CDLL(library)
    ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
    ggml.ggml_quantize_chunk.argtypes = [
        *(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p),
        *(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p),
    ]
    x = blocks()
    golden = {"input": encode(x), "types": {}}
    for name in TYPES + READ_ONLY:
        kind = GGMLQuantizationType[name]
        out = numpy.zeros(quants.quant_shape_to_byte_shape((x.size // BLOCK, BLOCK), kind), "u1")
        ggml.ggml_quantize_chunk(kind.value, x.ctypes.data, out.ctypes.data, 0, x.size // BLOCK, BLOCK, None)
        read = quants.dequantize(out, kind).astype("f4")
        golden["types"][name] = {"bytes": encode(out), "read": hashlib.sha256(read.tobytes()).hexdigest()}
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(golden, indent=2) + "\n", encoding="utf-8")


def encode(array):
    return base64.b64encode(array.tobytes()).decode()


main(*sys.argv[1:])
