"""Square matrix products of PyTorch, driven by train-step.ts: the line "float32 2048" runs one product and answers its seconds.

Usage: python pytorch_gemm.py THREADS
"""

import json
import sys
import time

import torch
from torch.nn import functional as F

torch.set_num_threads(int(sys.argv[1]))
operands = {}


@torch.no_grad()
def measure(name, size):
    if (name, size) not in operands:
        operands[name, size] = [torch.randn(size, size).to(getattr(torch, name)) for _ in range(2)]
        F.linear(*operands[name, size])
    start = time.perf_counter()
    F.linear(*operands[name, size])
    return time.perf_counter() - start


print("{}", flush=True)
for line in sys.stdin:
    name, size = line.split()
    print(json.dumps({"seconds": measure(name, int(size))}), flush=True)
