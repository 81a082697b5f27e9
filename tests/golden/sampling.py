"""Golden sets of tokens for the filters of sampling, from the logits processors of Hugging Face transformers, chained in the
order that packages/inference/src/sampling/sampling.ts states: temperature, min-p, top-k, typical, top-p.

Run: .peers/bin/python tests/golden/sampling.py   (writes sampling.json beside this file)
"""

import itertools
import json
from pathlib import Path

import numpy as np
import torch
from transformers.generation import logits_process as hf

VOCABULARY = 40
random = np.random.default_rng(13)
# No two alike: of equals at an edge transformers keeps all, tunan those with the lower ids.
rows = [np.round(random.normal(0, spread, VOCABULARY), 3).astype(np.float32) for spread in (0.3, 1, 2.5, 6)]
rows = [np.round(row + 0.0001 * np.arange(VOCABULARY), 4).astype(np.float32) for row in rows]

cases = []
for row, temperature, min_p, top_k, typical_p, top_p in itertools.product(
    range(len(rows)), (1.0, 0.7), (0.0, 0.02), (0, 12), (1.0, 0.9, 0.5, 0.2), (1.0, 0.8)
):
    chain = [hf.TemperatureLogitsWarper(temperature)]
    if min_p > 0:
        chain.append(hf.MinPLogitsWarper(min_p))
    if top_k > 0:
        chain.append(hf.TopKLogitsWarper(top_k))
    if typical_p < 1:
        chain.append(hf.TypicalLogitsWarper(typical_p))
    if top_p < 1:
        chain.append(hf.TopPLogitsWarper(top_p))
    scores = torch.tensor(rows[row], dtype=torch.float64)[None]
    for processor in chain:
        scores = processor(torch.zeros((1, 1), dtype=torch.long), scores)
    kept = torch.isfinite(scores[0]).nonzero().flatten().tolist()
    cases.append([row, temperature, min_p, top_k, typical_p, top_p, kept])

golden = {"rows": [[round(float(x), 4) for x in row] for row in rows], "cases": cases}
Path(__file__).with_suffix(".json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
