"""Golden numbers for the Kneser-Ney baseline: probabilities from dictionaries of tuples, written from the formulas of
Chen & Goodman (1999) without sharing code or data structures with the package.

Run: python3 tests/golden/ngram.py   (standard library only; writes ngram.json beside this file)
"""

import json
import math
from collections import Counter, defaultdict
from pathlib import Path

BEGIN, END = "<begin>", "<end>"

# Tang poems in the public domain, and verses of our own so that counts repeat.
TRAINING = [
    "静夜思\n床前明月光，疑是地上霜。\n举头望明月，低头思故乡。",
    "春晓\n春眠不觉晓，处处闻啼鸟。\n夜来风雨声，花落知多少。",
    "江雪\n千山鸟飞绝，万径人踪灭。\n孤舟蓑笠翁，独钓寒江雪。",
    "登鹳雀楼\n白日依山尽，黄河入海流。\n欲穷千里目，更上一层楼。",
    "鹿柴\n空山不见人，但闻人语响。\n返景入深林，复照青苔上。",
    "相思\n红豆生南国，春来发几枝。\n愿君多采撷，此物最相思。",
    "竹里馆\n独坐幽篁里，弹琴复长啸。\n深林人不知，明月来相照。",
    "寻隐者不遇\n松下问童子，言师采药去。\n只在此山中，云深不知处。",
    "明月\n明月出青山，明月照江水。\n明月入深林，明月知人意。",
    "春来\n春来不见人，春来花满枝。\n春来山鸟飞，春来故人知。",
    "𠮷\n山上有山。",
    "",
]
EVALUATED = [
    "山中\n明月照深林，春来不见人。\n山中无一事，独坐听松声。",
    "春眠不觉晓，处处闻啼鸟。",
    "𠮷鸟",
    "",
]


def ngrams(documents, length):
    counts = Counter()
    for document in documents:
        symbols = [BEGIN, *document, END]
        for i in range(len(symbols) - length + 1):
            counts[tuple(symbols[i : i + length])] += 1
    return counts


def adjusted(documents, length, order):
    raw = ngrams(documents, length)
    if length == order:
        return raw
    predecessors = defaultdict(set)
    for longer in ngrams(documents, length + 1):
        predecessors[longer[1:]].add(longer[0])
    return {gram: raw[gram] if gram[0] == BEGIN else len(predecessors[gram]) for gram in raw}


class Model:
    def __init__(self, documents, evaluated, order):
        self.order = order
        self.alphabet = {c for d in documents + evaluated for c in d} | {END}
        self.discounts = {}
        self.followers = {}
        for length in range(1, order + 1):
            counts = {g: n for g, n in adjusted(documents, length, order).items() if g != (BEGIN,)}
            self.discounts[length] = self.estimate(counts.values())
            followers = defaultdict(dict)
            for gram, n in counts.items():
                followers[gram[:-1]][gram[-1]] = n
            self.followers[length] = followers

    @staticmethod
    def estimate(counts):
        n = Counter(counts)
        if not (n[1] and n[2] and n[3]):
            return [0.5, 1, 1.5]
        y = n[1] / (n[1] + 2 * n[2])
        found = [i - (i + 1) * y * n[i + 1] / n[i] for i in (1, 2, 3)]
        return found if all(0 < d <= i + 1 for i, d in enumerate(found)) else [0.5, 1, 1.5]

    def discount(self, length, count):
        return self.discounts[length][min(count, 3) - 1] if count else 0

    def probability(self, history, symbol, length):
        if length == 0:
            return 1 / len(self.alphabet)
        lower = self.probability(history, symbol, length - 1)
        if length - 1 > len(history):
            return lower
        followers = self.followers[length].get(tuple(history[len(history) - length + 1 :]))
        if not followers:
            return lower
        total = sum(followers.values())
        kept = followers.get(symbol, 0) - self.discount(length, followers.get(symbol, 0))
        return kept / total + sum(self.discount(length, n) for n in followers.values()) / total * lower

    def score(self, document):
        symbols = [BEGIN, *document, END]
        return [
            -math.log2(self.probability(symbols[:i], symbols[i], self.order)) for i in range(1, len(symbols))
        ]


def main():
    golden = {"training": TRAINING, "evaluated": EVALUATED, "models": []}
    for order in (1, 2, 3, 5):
        model = Model(TRAINING, EVALUATED, order)
        golden["models"].append(
            {
                "order": order,
                "alphabetSize": len(model.alphabet),
                "discounts": [model.discounts[length] for length in range(1, order + 1)],
                "bits": [model.score(document) for document in EVALUATED],
            }
        )
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


main()
