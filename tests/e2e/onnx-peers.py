"""Runs exported graphs in the programs that they are for. Arguments: a folder with cases.json; prints what they computed as JSON.

A case: {"file", "ids"} of an ONNX file, which onnx checks and onnxruntime runs on all ids at once; with "past" of a QONNX file, which qonnx cleans
up and runs an id a step behind a cache of so many positions.
"""
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime


def run_whole(file, ids):
    onnx.checker.check_model(file, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    time = len(ids)
    feeds = {
        "input_ids": np.array([ids], np.int64),
        "attention_mask": np.ones((1, time), np.int64),
        "position_ids": np.arange(time, dtype=np.int64)[None],
    }
    for value in session.get_inputs():
        if value.name.startswith("past_key_values"):
            feeds[value.name] = np.zeros((1, value.shape[1], 0, value.shape[3]), np.float32)
    return session.run(["logits"], feeds)[0][0]


def run_steps(file, ids, past):
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.util.cleanup import cleanup_model

    model = ModelWrapper(file)
    inputs = [(value.name, [one.dim_value for one in value.type.tensor_type.shape.dim]) for value in model.graph.input]
    outputs = [value.name for value in model.graph.output]
    clean = cleanup_model(model)  # which gives all values new names
    new_inputs = [value.name for value in clean.graph.input]
    new_outputs = [value.name for value in clean.graph.output]
    cache = {name: np.zeros(shape, np.float32) for name, shape in inputs if name.startswith("past")}
    rows = []
    for step, token in enumerate(ids):
        mask = np.zeros((1, past + 1), np.int64)
        mask[0, past - step :] = 1
        feeds = {
            "input_ids": np.array([[token]], np.int64),
            "attention_mask": mask,
            "position_ids": np.array([[step]], np.int64),
            **cache,
        }
        result = execute_onnx(clean, {new: feeds[name] for (name, _), new in zip(inputs, new_inputs)})
        found = {name: result[new] for name, new in zip(outputs, new_outputs)}
        rows.append(found["logits"][0, 0])
        cache = {name: found[name.replace("past_key_values", "present")][:, :, 1:] for name in cache}
    return np.stack(rows)


def main():
    for case in json.loads(Path(sys.argv[1]).read_text()):
        past = case.get("past")
        logits = run_whole(case["file"], case["ids"]) if past is None else run_steps(case["file"], case["ids"], past)
        print(json.dumps(logits.astype(float).ravel().tolist()))


main()
