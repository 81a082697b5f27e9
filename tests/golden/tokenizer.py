"""Golden output of Hugging Face tokenizers (Python) for packages/tokenizer.

    .peers/bin/python tests/golden/tokenizer.py

reads tokenizer-fixture.json (texts and probes of our own making) and writes tokenizer-golden.json: for each split the
merges that BpeTrainer makes and the ids of every probe; for slices of the npm package chinese-poetry only the SHA-256
of the merges, one a line, left and right separated by a space.
"""

import hashlib
import json
import pathlib

import tokenizers
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).parent
POETRY = HERE.parent.parent / "node_modules" / "chinese-poetry" / "dist"
SPECIALS = ["<unk>", "<sep>", "<pad>", "<mask>", "<eod>"]


def train(texts, patterns, vocabulary_size, min_frequency):
    tokenizer = Tokenizer(models.BPE())
    splits = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns]
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*splits, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        min_frequency=min_frequency,
        special_tokens=SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def merges_of(tokenizer):
    return [" ".join(merge) for merge in json.loads(tokenizer.to_str())["model"]["merges"]]


def poems(first_file, files):
    """Paragraphs of the Song poems, one text a poem, files in the order of their number."""
    names = sorted((POETRY / "quantangshi").glob("poet.song.*.json"), key=lambda p: int(p.name.split(".")[2]))
    for name in names[first_file : first_file + files]:
        for poem in json.loads(name.read_text(encoding="utf-8")):
            yield "\n".join(poem["paragraphs"])


def main():
    fixture = json.loads((HERE / "tokenizer-fixture.json").read_text(encoding="utf-8"))
    golden = {"tokenizers": tokenizers.__version__, "fixture": {}, "poems": []}
    for name, patterns in fixture["splits"].items():
        tokenizer = train(fixture["texts"], patterns, fixture["vocabularySize"], fixture["minFrequency"])
        golden["fixture"][name] = {
            "merges": merges_of(tokenizer),
            "ids": [tokenizer.encode(probe).ids for probe in fixture["probes"]],
        }
        if name == "deepseek-v3":
            tokenizer.save(str(HERE / "tokenizer-golden-file.json"))
    # 256 bytes, 5 specials; a minimum of 1 merges every pair that there is.
    exhausted = train(fixture["texts"][:40], fixture["splits"]["gpt-2"], 100_000, 1)
    golden["exhausted"] = {"merges": merges_of(exhausted), "vocabularySize": exhausted.get_vocab_size()}
    # Few letters, so that pairs overlap and counts are often equal.
    golden["repetitive"] = []
    for texts in fixture["repetitive"]:
        tokenizer = train(texts, fixture["splits"]["gpt-2"], 100_000, 1)
        golden["repetitive"].append({"merges": merges_of(tokenizer), "vocabularySize": tokenizer.get_vocab_size()})
    for name, first_file, files, vocabulary_size in [("deepseek-v3", 0, 20, 8000), ("gpt-2", 100, 5, 20000)]:
        tokenizer = train(poems(first_file, files), fixture["splits"][name], vocabulary_size, 2)
        digest = hashlib.sha256("\n".join(merges_of(tokenizer)).encode()).hexdigest()
        golden["poems"].append(
            {
                "split": name,
                "firstFile": first_file,
                "files": files,
                "vocabularySize": vocabulary_size,
                "mergesSha256": digest,
            }
        )
    (HERE / "tokenizer-golden.json").write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


main()
