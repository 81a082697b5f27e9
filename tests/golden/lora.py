"""Golden adapters of packages/model/src/lora, made by PEFT.

    python tests/golden/lora.py                 writes, for a Qwen3 and a GPT-2 of model.py, a folder lora-NAME as PEFT's
                                                save_pretrained() writes it, with golden.json: ids, and logits with the adapter
    python tests/golden/lora.py --check DIR     loads the models and adapters in DIR (written by lora-write.ts, which also put the
                                                logits it computed into logits.json of each) in transformers and PEFT, compares, and
                                                writes lora-check.json beside this file

Both matrices are random, so that what is swapped or forgotten shows. One thread, float32.
"""

import argparse
import json
import pathlib

import peft
import torch
import transformers
from safetensors.torch import load_file

HERE = pathlib.Path(__file__).resolve().parent
FORMS = {
    "qwen3": dict(r=3, lora_alpha=6, target_modules=["q_proj", "v_proj", "o_proj", "gate_proj", "down_proj"]),
    "gpt2": dict(r=4, lora_alpha=8, use_rslora=True, fan_in_fan_out=True, target_modules=["c_attn", "c_proj"]),
}


def base_of(name):
    if name == "qwen3":
        return transformers.AutoModelForCausalLM.from_pretrained(
            HERE / "model-qwen3", dtype=torch.float32, attn_implementation="eager"
        )
    config = transformers.GPT2Config(
        vocab_size=128, n_positions=24, n_embd=32, n_layer=2, n_head=4, bos_token_id=7, eos_token_id=7,
        activation_function="gelu_new", attn_implementation="eager",
    )
    model = transformers.GPT2LMHeadModel(config)
    model.load_state_dict(load_file(HERE / "model.safetensors"), strict=False)
    model.tie_weights()
    return model


def make():
    for name, options in FORMS.items():
        torch.manual_seed(7)
        base = base_of(name)
        model = peft.get_peft_model(base, peft.LoraConfig(task_type="CAUSAL_LM", **options)).eval()
        with torch.no_grad():
            for parameter_name, parameter in model.named_parameters():
                if "lora_" in parameter_name:
                    parameter.copy_(0.2 * torch.randn(parameter.shape))
            ids = torch.randint(0, base.config.vocab_size, (2, 16))
            logits = model(ids).logits
        folder = HERE / f"lora-{name}"
        model.save_pretrained(folder)
        (folder / "README.md").unlink()
        config = json.loads((folder / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = f"model-{name}"
        config["target_modules"].sort()
        (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
        golden = {**made_with(), "ids": ids.tolist(), "lastLogits": logits[:, -1].tolist(), "firstLogits": logits[:, :, :8].tolist()}
        (folder / "golden.json").write_text(json.dumps(golden) + "\n")
        print(name, logits.abs().max().item())


def made_with():
    return {"madeWith": {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__}}


def check(directory):
    reports = {folder.name: check_one(folder) for folder in sorted(pathlib.Path(directory).iterdir())}
    (HERE / "lora-check.json").write_text(json.dumps({**made_with(), **reports}, indent=2) + "\n")
    print(json.dumps(reports, indent=2))
    for report in reports.values():
        assert report["largestDifference"] <= 1e-5 * max(1.0, report["largestLogit"])
        assert report["mergedDifference"] <= 1e-5 * max(1.0, report["largestLogit"])


def check_one(directory):
    base = transformers.AutoModelForCausalLM.from_pretrained(directory / "model", attn_implementation="eager")
    model = peft.PeftModel.from_pretrained(base, directory / "adapter").eval()
    merged = transformers.AutoModelForCausalLM.from_pretrained(directory / "merged", attn_implementation="eager").eval()
    written = json.loads((directory / "logits.json").read_text())
    ids, ours = torch.tensor(written["ids"]), torch.tensor(written["logits"])
    with torch.no_grad():
        logits, of_merged = model(ids).logits, merged(ids).logits
        with model.disable_adapter():
            plain = model(ids).logits
    assert logits.shape == ours.shape
    return {
        "class": type(base).__name__,
        "logitsCompared": logits.numel(),
        "largestDifference": (logits - ours).abs().max().item(),
        "mergedDifference": (logits - of_merged).abs().max().item(),
        "adapterChanges": (logits - plain).abs().max().item(),
        "largestLogit": logits.abs().max().item(),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", metavar="DIR")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    check(arguments.check) if arguments.check else make()
