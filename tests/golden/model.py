"""Golden numbers of packages/model, made by PyTorch and transformers.

    python tests/golden/model.py                 writes model.safetensors and model.json beside this file
    python tests/golden/model.py --check DIR     loads the model directory DIR (written by model-write.ts, which also
                                                 put the logits it computed into DIR/logits.json) in transformers,
                                                 compares, and writes model-check.json beside this file

The weights are random but every one of them is (biases and norms too), so that a swapped or forgotten parameter shows.
Numbers are stored as float64 text of float32 results. One thread, float32, no dropout.
"""

import argparse
import json
import pathlib

import torch
import transformers
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
STEPS = 10
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.01
CLIP = 1.0
# Parameters whose first values after ten steps are stored: one of each kind.
PROBES = [
    "transformer.wte.weight",
    "transformer.wpe.weight",
    "transformer.h.0.ln_1.weight",
    "transformer.h.0.attn.c_attn.weight",
    "transformer.h.0.attn.c_attn.bias",
    "transformer.h.1.attn.c_proj.weight",
    "transformer.h.1.mlp.c_fc.weight",
    "transformer.h.1.mlp.c_proj.bias",
    "transformer.ln_f.bias",
]


def build_model():
    config = transformers.GPT2Config(
        vocab_size=128,
        n_positions=24,
        n_embd=32,
        n_layer=2,
        n_head=4,
        activation_function="gelu_new",
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        layer_norm_epsilon=1e-5,
        bos_token_id=7,
        eos_token_id=7,
        attn_implementation="eager",
    )
    model = transformers.GPT2LMHeadModel(config)
    generator = torch.Generator().manual_seed(20211010)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            is_norm_weight = ".ln_" in name and name.endswith("weight")
            parameter.copy_(1 + 0.1 * noise if is_norm_weight else 0.08 * noise)
    return model, generator


def token_loss(model, ids, targets):
    logits = model(ids).logits
    return torch.nn.functional.cross_entropy(logits.view(-1, logits.shape[-1]), targets.reshape(-1))


def sum_that_counts(name, parameter):
    """Without the bias of the keys: softmax does not see it, so its gradient is rounding alone, of which AdamW makes whole steps."""
    values = parameter.detach().double()
    if name.endswith("c_attn.bias"):
        queries, _keys, of_values = values.chunk(3)
        return (queries.sum() + of_values.sum()).item()
    return values.sum().item()


def make():
    model, generator = build_model()
    model.train()  # no dropout, so the same as eval
    weights = {name: p.detach().clone().contiguous() for name, p in model.named_parameters()}
    save_file(weights, HERE / "model.safetensors", metadata={"format": "pt"})

    batches = torch.randint(0, 128, (STEPS, 3, 25), generator=generator)
    ids, targets = batches[0, :, :-1], batches[0, :, 1:]
    with torch.no_grad():
        logits = model(ids).logits
        loss = token_loss(model, ids, targets).item()

    decayed = [p for p in model.parameters() if p.dim() >= 2]
    plain = [p for p in model.parameters() if p.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}],
        lr=LEARNING_RATE,
        betas=(0.9, 0.95),
        eps=1e-8,
    )
    losses, norms = [], []
    for step in range(STEPS):
        optimizer.zero_grad()
        step_loss = token_loss(model, batches[step, :, :-1], batches[step, :, 1:])
        step_loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP).item())
        optimizer.step()
        losses.append(step_loss.item())

    final = dict(model.named_parameters())
    golden = {
        "madeWith": {"torch": torch.__version__, "transformers": transformers.__version__},
        "config": {
            "vocabularySize": 128,
            "contextLength": 24,
            "layers": 2,
            "width": 32,
            "heads": 4,
            "layerNormEpsilon": 1e-5,
        },
        "optimizer": {"learningRate": LEARNING_RATE, "betas": [0.9, 0.95], "epsilon": 1e-8, "weightDecay": WEIGHT_DECAY, "clip": CLIP},
        "batches": batches.tolist(),
        # The last position of every row whole, and eight values of every other position.
        "lastLogits": logits[:, -1, :].tolist(),
        "firstLogits": logits[:, :, :8].tolist(),
        "loss": loss,
        "losses": losses,
        "gradientNorms": norms,
        "final": {name: final[name].detach().flatten()[:12].tolist() for name in PROBES},
        "finalSum": {name: sum_that_counts(name, p) for name, p in final.items()},
    }
    (HERE / "model.json").write_text(json.dumps(golden) + "\n")
    print(f"loss {loss:.6f}, after {STEPS} steps {losses[-1]:.6f}")


def check(directory):
    directory = pathlib.Path(directory)
    model, info = transformers.GPT2LMHeadModel.from_pretrained(directory, output_loading_info=True, attn_implementation="eager")
    model.eval()
    written = json.loads((directory / "logits.json").read_text())
    with torch.no_grad():
        logits = model(torch.tensor(written["ids"])).logits
    ours = torch.tensor(written["logits"])
    report = {
        "madeWith": {"torch": torch.__version__, "transformers": transformers.__version__},
        "missingKeys": sorted(info["missing_keys"]),
        "unexpectedKeys": sorted(info["unexpected_keys"]),
        "mismatchedKeys": sorted(str(key) for key in info["mismatched_keys"]),
        "logitsCompared": logits.numel(),
        "largestDifference": (logits - ours).abs().max().item(),
        "largestLogit": logits.abs().max().item(),
    }
    (HERE / "model-check.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))
    assert logits.shape == ours.shape and report["largestDifference"] <= 1e-5 * max(1.0, report["largestLogit"])
    assert not report["missingKeys"] and not report["unexpectedKeys"] and not report["mismatchedKeys"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", metavar="DIR")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    check(arguments.check) if arguments.check else make()
