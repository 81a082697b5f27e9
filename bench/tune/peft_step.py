"""Tuning an adapter in transformers + PEFT, a child of tune.ts: `peft_step.py MODEL EXAMPLES DIRECTORY RANK THREADS PRECISION BATCH MICRO`.

A line "N" on stdin runs N steps; the answer tells what they took. A step: BATCH examples in micro batches of MICRO, sorted by length within some
batches (as Trainer's group_by_length), padded to the longest, the loss over what is learnt, clip, fused AdamW.
"""

import json
import random
import resource
import sys
import time

import peft
import torch
import transformers

def batches(examples, batch, micro):
    shuffled = random.Random(1)
    while True:
        order = list(range(len(examples)))
        shuffled.shuffle(order)
        for start in range(0, len(order) - batch + 1, batch):
            mine = sorted(order[start : start + batch], key=lambda i: len(examples[i]["ids"]))
            yield [[examples[i] for i in mine[at : at + micro]] for at in range(0, batch, micro)]


def padded(examples):
    longest = max(len(example["ids"]) for example in examples)
    ids = torch.zeros(len(examples), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, -100)
    for row, example in enumerate(examples):
        own = torch.tensor(example["ids"])
        ids[row, : len(own)] = own
        mask[row, : len(own)] = 1
        labels[row, example["prompt"] : len(own)] = own[example["prompt"] :]
    return ids, mask, labels


def main():
    folder, data, _, rank, threads, precision, batch, micro = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    base = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa")
    options = peft.LoraConfig(
        task_type="CAUSAL_LM", r=int(rank), lora_alpha=2 * int(rank), fan_in_fan_out=True,
        target_modules=["c_attn", "c_proj", "c_fc"],
    )
    model = peft.get_peft_model(base, options).train()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=2e-4, weight_decay=0.0, fused=True)
    with open(data) as file:
        steps = batches(json.load(file), int(batch), int(micro))

    def step():
        tokens, total = 0, 0.0
        micros = [padded(examples) for examples in next(steps)]
        learnt = sum(int((labels[:, 1:] != -100).sum()) for _, _, labels in micros)
        for ids, mask, labels in micros:
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                loss = model(input_ids=ids, attention_mask=mask, labels=labels, num_items_in_batch=learnt).loss
            loss.backward()
            total += loss.item()
            tokens += int(mask.sum()) - len(ids)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return tokens, total

    def answer(count):
        began, cpu, tokens = time.perf_counter(), time.process_time(), 0
        for _ in range(count):
            more, loss = step()
            tokens += more
        return {
            "seconds": time.perf_counter() - began,
            "cpuSeconds": time.process_time() - cpu,
            "tokens": tokens,
            "loss": loss,
            "peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }

    versions = {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__}
    print(json.dumps({**answer(1), "versions": versions}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(int(line))), flush=True)


main()
