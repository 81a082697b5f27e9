"""Writes safetensors-format.safetensors with the safetensors package of Hugging Face (0.8.0) and torch: every dtype that tunan reads, odd
sizes, a scalar, an empty tensor, metadata, names beyond ASCII. Run in this directory; the numbers are in packages/torch's test."""

import torch
from safetensors.torch import save_file

numbers = torch.arange(6, dtype=torch.float64).reshape(2, 3) - 2.5
save_file(
    {
        "f64": numbers,
        "f32": numbers.float(),
        "bf16": numbers.bfloat16(),
        "f16": numbers.half(),
        "i64": torch.tensor([-(2**62), 0, 2**62]),
        "i32": torch.tensor([-(2**31), 2**31 - 1], dtype=torch.int32),
        "u8": torch.tensor([0, 127, 255], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "标量": torch.tensor(7.25),
        "empty": torch.zeros(0, 4),
    },
    "safetensors-format.safetensors",
    metadata={"format": "pt", "诗": "滕王阁序"},
)
