"""lm-evaluation-harness as the peer of evaluation.ts: loads a model directory once, then evaluates a task for every line on stdin.

A task is a file of JSON lines {query, choices, gold} or, where the text in front differs and the scored text is one,
{contexts, continuation, gold}; both are multiple choice there. Answers one line of JSON a task: seconds and accuracy.
"""

import json
import logging
import os
import sys
import time

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="true")

import torch
from lm_eval.api.task import ConfigurableTask
from lm_eval.evaluator import evaluate
from lm_eval.models.huggingface import HFLM

logging.disable(logging.WARNING)


def task_of(name, file):
    with open(file, encoding="utf-8") as lines:
        first = json.loads(next(lines))
    config = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": file}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "target_delimiter": "",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    }
    if "contexts" in first:
        config |= {
            "doc_to_text": lambda doc: doc["gold"],
            "doc_to_choice": lambda doc: doc["contexts"],
            "doc_to_target": lambda doc: doc["continuation"],
        }
    else:
        config |= {
            "doc_to_text": lambda doc: doc["query"],
            "doc_to_choice": lambda doc: doc["choices"],
            "doc_to_target": lambda doc: doc["gold"],
        }
    return ConfigurableTask(config=config)


def main():
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the libraries print
    directory, threads = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(threads)
    models = {}
    tasks = {}
    for line in sys.stdin:
        wish = json.loads(line)
        size = wish["batch"]
        if size not in models:
            models[size] = HFLM(pretrained=directory, device="cpu", dtype="float32", batch_size=size)
        if wish["name"] not in tasks:
            tasks[wish["name"]] = task_of(wish["name"], wish["file"])
        start = time.perf_counter()
        found = evaluate(models[size], {wish["name"]: tasks[wish["name"]]}, bootstrap_iters=0)
        seconds = time.perf_counter() - start
        accuracy = found["results"][wish["name"]]["acc,none"]
        output.write(json.dumps({"seconds": seconds, "accuracy": accuracy}) + "\n")
        output.flush()


main()
