"""transformers' batched generate: a line of JSON for each load on standard input, a line with the seconds for each answer."""

import json
import sys
import time

import torch
from transformers import AutoModelForCausalLM, LogitsProcessor, LogitsProcessorList

directory, threads = sys.argv[1:3]
torch.set_num_threads(int(threads))
model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
print("ready", flush=True)


class FirstTime(LogitsProcessor):
    """Notes when the logits of the first new token are there."""

    def __init__(self):
        self.at = None

    def __call__(self, input_ids, scores):
        if self.at is None:
            self.at = time.perf_counter()
        return scores


for line in sys.stdin:
    load = json.loads(line)
    ids = torch.tensor(load["prompts"])
    drawn = load["temperature"] > 0
    torch.manual_seed(load["seed"])
    first = FirstTime()
    begin = time.perf_counter()
    with torch.inference_mode():
        model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=load["tokens"],
            min_new_tokens=load["tokens"],
            do_sample=drawn,
            top_k=0 if drawn else None,
            pad_token_id=0,
            logits_processor=LogitsProcessorList([first]),
        )
    end = time.perf_counter()
    print(json.dumps({"firstSeconds": first.at - begin, "seconds": end - begin}), flush=True)
