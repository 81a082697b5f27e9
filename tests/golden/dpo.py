"""Golden numbers of packages/training/src/tune/preference-loss.ts: direct preference optimisation as TRL's DPOTrainer computes it.

    python tests/golden/dpo.py      writes dpo.json beside this file

TRL's loss (dpo_trainer.py, loss_type "sigmoid", with label_smoothing) is written out here in PyTorch over a Qwen3 and an adapter of lora.py:
the policy is the model with the adapter, the reference the same one with the adapter off. One thread, float32.
"""

import json
import pathlib

import peft
import torch
import torch.nn.functional as F
import transformers

HERE = pathlib.Path(__file__).resolve().parent
PAIRS = [  # prompt, chosen, rejected, as ids; what is learnt of each begins behind the prompt
    ([0, 5, 9, 33], [14, 2, 61, 0], [7, 8, 0]),
    ([0, 41], [3, 3, 0], [90, 17, 22, 51, 6, 0]),
    ([0, 77, 12, 30, 4, 8], [55, 0], [56, 0]),
]


def log_probability(model, prompt, answer):
    ids = torch.tensor([prompt + answer])
    logits = model(ids[:, :-1]).logits
    each = torch.gather(logits.log_softmax(-1), 2, ids[:, 1:].unsqueeze(2)).squeeze(2)
    return each[0, len(prompt) - 1 :].sum()


def main():
    torch.set_num_threads(1)
    base = transformers.AutoModelForCausalLM.from_pretrained(
        HERE / "model-qwen3", dtype=torch.float32, attn_implementation="eager"
    )
    model = peft.PeftModel.from_pretrained(base, HERE / "lora-qwen3", is_trainable=True).eval()
    cases = []
    for beta, label_smoothing in [(0.1, 0.0), (0.5, 0.1)]:
        model.zero_grad()
        chosen = torch.stack([log_probability(model, prompt, answer) for prompt, answer, _ in PAIRS])
        rejected = torch.stack([log_probability(model, prompt, answer) for prompt, _, answer in PAIRS])
        with torch.no_grad(), model.disable_adapter():
            ref_chosen = torch.stack([log_probability(model, prompt, answer) for prompt, answer, _ in PAIRS])
            ref_rejected = torch.stack([log_probability(model, prompt, answer) for prompt, _, answer in PAIRS])
        logits = (chosen - rejected) - (ref_chosen - ref_rejected)
        losses = (
            -F.logsigmoid(beta * logits) * (1 - label_smoothing) - F.logsigmoid(-beta * logits) * label_smoothing
        )
        losses.mean().backward()
        rewards = beta * (chosen - ref_chosen), beta * (rejected - ref_rejected)
        gradients = {
            name.replace(".default", ""): parameter.grad.flatten()[:6].tolist()
            for name, parameter in model.named_parameters()
            if "lora_" in name and "layers.0." in name and ("q_proj" in name or "down_proj" in name)
        }
        cases.append(
            dict(
                beta=beta,
                labelSmoothing=label_smoothing,
                losses=losses.tolist(),
                chosenReward=rewards[0].mean().item(),
                rejectedReward=rewards[1].mean().item(),
                accuracy=(rewards[0] > rewards[1]).float().mean().item(),
                gradients=gradients,
            )
        )
    (HERE / "dpo.json").write_text(json.dumps(dict(pairs=PAIRS, cases=cases), indent=1) + "\n")


main()
