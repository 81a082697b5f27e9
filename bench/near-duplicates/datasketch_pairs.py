"""Near duplicates by datasketch: MinHash over character n-grams, banded LSH. Reads JSON lines {id, text} on stdin.

usage: python datasketch_pairs.py NGRAM BANDS ROWS
Prints one JSON object: the candidate pairs, and the seconds for signatures and for the index.
"""
import json
import re
import sys
import time

from datasketch import MinHash, MinHashLSH

ngram, bands, rows = (int(argument) for argument in sys.argv[1:4])
documents = [json.loads(line) for line in sys.stdin]
started = time.perf_counter()
signatures = []
for document in documents:
    content = re.sub(r"[\W_]", "", document["text"])
    grams = {content[i : i + ngram].encode() for i in range(max(1, len(content) - ngram + 1))}
    signature = MinHash(num_perm=bands * rows, seed=1)
    signature.update_batch(grams)
    signatures.append(signature)
signed = time.perf_counter()
index = MinHashLSH(num_perm=bands * rows, params=(bands, rows))
pairs = []
for number, (document, signature) in enumerate(zip(documents, signatures)):
    for other in index.query(signature):
        pairs.append([other, document["id"]])
    index.insert(document["id"], signature)
ended = time.perf_counter()
print(json.dumps({"pairs": pairs, "signatures": signed - started, "index": ended - signed}))
