"""Golden numbers of packages/model, made by PyTorch and transformers.

    python tests/golden/model.py                 writes model.safetensors and model.json beside this file, and for each
                                                 form of the llama family a folder model-NAME as save_pretrained() writes
                                                 it, with golden.json
    python tests/golden/model.py --check DIR     loads the model directories in DIR (written by model-write.ts, which
                                                 also put the logits it computed into logits.json of each) in
                                                 transformers, compares, and writes model-check.json beside this file

The weights are random but every one of them is (biases and norms too), so that a swapped or forgotten parameter shows.
Numbers are stored as float64 text of float32 results. One thread, float32, no dropout. The forms of the llama family are
stored in float16 or bfloat16, one of them in shards, and the numbers are those of the rounded weights in float32.
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


# The forms of the llama family: one of each way of stretching rotary positions, of both 16-bit dtypes, tied and not.
COMMON = dict(
    vocab_size=96,
    hidden_size=24,
    intermediate_size=40,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
    attention_dropout=0.0,
    bos_token_id=7,
    eos_token_id=7,
    attn_implementation="eager",
)
LLAMA3 = dict(
    rope_type="llama3",
    rope_theta=10000.0,
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=16,
)
YARN = dict(rope_type="yarn", rope_theta=5000.0, factor=4.0, original_max_position_embeddings=16)
DEFAULT = dict(rope_type="default", rope_theta=1000000.0)
FORMS = {
    "qwen3": (
        transformers.Qwen3ForCausalLM,
        lambda: transformers.Qwen3Config(**COMMON, head_dim=10, tie_word_embeddings=True, rope_parameters=DEFAULT),
        torch.bfloat16,
        "1GB",
    ),
    "qwen2": (
        transformers.Qwen2ForCausalLM,
        lambda: transformers.Qwen2Config(**COMMON, tie_word_embeddings=True, rope_parameters=YARN),
        torch.float16,
        "1GB",
    ),
    "llama": (
        transformers.LlamaForCausalLM,
        lambda: transformers.LlamaConfig(**COMMON, tie_word_embeddings=False, rms_norm_eps=1e-5, rope_parameters=LLAMA3),
        torch.bfloat16,
        "16KB",
    ),
}
LLAMA_PROBES = [
    "model.embed_tokens.weight",
    "model.layers.0.input_layernorm.weight",
    "model.layers.0.self_attn.q_proj.weight",
    "model.layers.0.self_attn.k_proj.weight",
    "model.layers.1.self_attn.v_proj.weight",
    "model.layers.1.self_attn.o_proj.weight",
    "model.layers.0.post_attention_layernorm.weight",
    "model.layers.1.mlp.gate_proj.weight",
    "model.layers.0.mlp.up_proj.weight",
    "model.layers.1.mlp.down_proj.weight",
    "model.norm.weight",
    "lm_head.weight",
    "model.layers.0.self_attn.q_norm.weight",
    "model.layers.1.self_attn.k_norm.weight",
    "model.layers.0.self_attn.q_proj.bias",
    "model.layers.1.self_attn.k_proj.bias",
    "model.layers.0.self_attn.v_proj.bias",
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
    draw_weights(model, generator, 0.08)
    return model, generator


def draw_weights(model, generator, deviation):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            is_norm_weight = (".ln_" in name or "norm" in name) and name.endswith("weight")
            parameter.copy_(1 + 0.1 * noise if is_norm_weight else deviation * noise)


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
    weights = {name: p.detach().clone().contiguous() for name, p in model.named_parameters()}
    save_file(weights, HERE / "model.safetensors", metadata={"format": "pt"})
    config = {
        "vocabularySize": 128,
        "contextLength": 24,
        "layers": 2,
        "width": 32,
        "heads": 4,
        "layerNormEpsilon": 1e-5,
    }
    batches = torch.randint(0, 128, (STEPS, 3, 25), generator=generator)
    golden = {**made_with(), "config": config, **train(model, batches, PROBES)}
    (HERE / "model.json").write_text(json.dumps(golden) + "\n")
    for name in FORMS:
        make_form(name)


def make_form(name):
    kind, config, dtype, shard_size = FORMS[name]
    model = kind(config())
    generator = torch.Generator().manual_seed(20230713)
    draw_weights(model, generator, 0.15)
    model.to(dtype)
    folder = HERE / f"model-{name}"
    model.save_pretrained(folder, max_shard_size=shard_size)
    # Read again: to(dtype) has rounded the rotary frequencies too.
    model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    batches = torch.randint(0, COMMON["vocab_size"], (STEPS, 2, 18), generator=generator)
    golden = {**made_with(), **train(model, batches, LLAMA_PROBES)}
    (folder / "golden.json").write_text(json.dumps(golden) + "\n")


def made_with():
    return {"madeWith": {"torch": torch.__version__, "transformers": transformers.__version__}}


def train(model, batches, probes):
    model.train()  # no dropout, so the same as eval
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
    print(f"{type(model).__name__}: loss {loss:.6f}, after {STEPS} steps {losses[-1]:.6f}")
    return {
        "optimizer": {"learningRate": LEARNING_RATE, "betas": [0.9, 0.95], "epsilon": 1e-8, "weightDecay": WEIGHT_DECAY, "clip": CLIP},
        "batches": batches.tolist(),
        # The last position of every row whole, and eight values of every other position.
        "lastLogits": logits[:, -1, :].tolist(),
        "firstLogits": logits[:, :, :8].tolist(),
        "loss": loss,
        "losses": losses,
        "gradientNorms": norms,
        "final": {name: final[name].detach().flatten()[:12].tolist() for name in probes if name in final},
        "finalSum": {name: sum_that_counts(name, p) for name, p in final.items()},
    }


def check(directory):
    reports = {folder.name: check_one(folder) for folder in sorted(pathlib.Path(directory).iterdir())}
    (HERE / "model-check.json").write_text(json.dumps({**made_with(), **reports}, indent=2) + "\n")
    print(json.dumps(reports, indent=2))
    for report in reports.values():
        assert report["largestDifference"] <= 1e-5 * max(1.0, report["largestLogit"])
        assert not report["missingKeys"] and not report["unexpectedKeys"] and not report["mismatchedKeys"]


def check_one(directory):
    model, info = transformers.AutoModelForCausalLM.from_pretrained(
        directory, output_loading_info=True, attn_implementation="eager"
    )
    model.eval()
    written = json.loads((directory / "logits.json").read_text())
    with torch.no_grad():
        logits = model(torch.tensor(written["ids"])).logits
    ours = torch.tensor(written["logits"])
    assert logits.shape == ours.shape
    return {
        "class": type(model).__name__,
        "missingKeys": sorted(info["missing_keys"]),
        "unexpectedKeys": sorted(info["unexpected_keys"]),
        "mismatchedKeys": sorted(str(key) for key in info["mismatched_keys"]),
        "logitsCompared": logits.numel(),
        "largestDifference": (logits - ours).abs().max().item(),
        "largestLogit": logits.abs().max().item(),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", metavar="DIR")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    check(arguments.check) if arguments.check else make()
