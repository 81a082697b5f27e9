"""Golden log-likelihoods of packages/evaluation: Hugging Face transformers on the same model and prompts.

    node tests/golden/evaluation-write.ts build/golden ../shared/data/fewclue && .peers/bin/python tests/golden/evaluation.py build/golden

Reads the model directory and the requests that evaluation-write.ts made; writes evaluation.json beside this file: for each task
the hash of every request and the log-likelihoods of its candidates. The model runs in float64 and without padding. Candidates
that differ in the scored text alone go on from transformers' own cache of their context; all others are computed whole.
"""

import array
import base64
import copy
import json
import pathlib
import sys

import tokenizers
import torch
import transformers

HERE = pathlib.Path(__file__).parent
torch.set_grad_enabled(False)


def main(directory):
    model = transformers.GPT2LMHeadModel.from_pretrained(directory / "model", dtype=torch.float64).eval()
    tokenizer = tokenizers.Tokenizer.from_file(str(directory / "model" / "tokenizer.json"))
    begin = tokenizer.token_to_id("<eod>")

    def encode(text):
        return tokenizer.encode(text, add_special_tokens=False).ids if text else []

    def chosen(logits, scored):
        return logits.log_softmax(-1).gather(1, torch.tensor(scored)[:, None]).sum().item()

    def whole(context, given, scored):
        ids = [begin, *context, *given, *scored]
        return chosen(model(torch.tensor([ids[:-1]])).logits[0, -len(scored) :], scored)

    def behind_context(context, texts):
        first = model(torch.tensor([[begin, *context]]), use_cache=True)
        for scored in texts:
            logits = first.logits[0, -1:]
            if len(scored) > 1:
                cache = copy.deepcopy(first.past_key_values)
                more = model(torch.tensor([scored[:-1]]), past_key_values=cache).logits[0]
                logits = torch.cat([logits, more])
            yield chosen(logits, scored)

    def log_likelihoods(request):
        context = [id for piece in request["context"] for id in encode(piece)]
        candidates = [(encode(c["given"]), encode(c["scored"])) for c in request["candidates"]]
        if any(given for given, _ in candidates):
            return [whole(context, given, scored) for given, scored in candidates]
        return list(behind_context(context, [scored for _, scored in candidates]))

    sets = {}
    for name in ("fixture", "shared"):
        tasks = {}
        for line in (directory / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            task = tasks.setdefault(entry["task"], {"keys": [], "values": array.array("d")})
            task["keys"].append(entry["key"])
            task["values"].extend(log_likelihoods(entry["request"]))
        sets[name] = {
            task: {"keys": found["keys"], "logLikelihoods": base64.b64encode(found["values"].tobytes()).decode()}
            for task, found in tasks.items()
        }
    made_with = {"torch": torch.__version__, "transformers": transformers.__version__}
    (HERE / "evaluation.json").write_text(json.dumps({"madeWith": made_with, "sets": sets}, indent=1) + "\n")


main(pathlib.Path(sys.argv[1]))
