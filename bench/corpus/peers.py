"""The peers of bench/corpus.ts: main text of every page of a WARC file, as JSON lines {id, text}.

    python bench/corpus/peers.py datatrove|trafilatura|trafilatura-fast WARC OUT

Prints {"wall": seconds, "cpu": seconds} (children counted, imports not) on the last line. Of trafilatura's settings these gave the
best F1 on the pages of ../shared/data/web (98 reliable ones): precision 0.862, its defaults without comments 0.857, recall 0.855; and the
least time with nearly that F1: fast and recall, 0.847. Its deduplication remembers passages of earlier pages and takes them out of
later ones; without it datatrove loses less. trafilatura is fed by warcio. datatrove runs its own pipeline (WarcReader, Trafilatura,
JsonlWriter, one task) with the time limit raised, so that a loaded machine costs it no page.
"""
import gzip
import json
import logging
import os
import resource
import sys
import time


def cpu():
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def run_trafilatura(warc, out, **settings):
    from trafilatura import extract
    from warcio.archiveiterator import ArchiveIterator

    yield  # what stands above is not measured
    with open(warc, "rb") as stream, gzip.open(out, "wt", compresslevel=1) as written:
        for record in ArchiveIterator(stream):
            if record.rec_type != "response":
                continue
            text = extract(record.content_stream().read(), include_comments=False, **settings)
            if text:
                written.write(json.dumps({"id": record.rec_headers["WARC-Target-URI"], "text": text}, ensure_ascii=False) + "\n")


def run_datatrove(warc, out):
    import trafilatura  # noqa: F401
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.readers import WarcReader
    from datatrove.pipeline.writers.jsonl import JsonlWriter
    from loguru import logger

    logger.remove()
    yield
    folder = out + ".datatrove"
    LocalPipelineExecutor(
        pipeline=[
            WarcReader(os.path.dirname(warc), glob_pattern=os.path.basename(warc)),
            Trafilatura(favour_precision=True, deduplicate=False, timeout=60),
            JsonlWriter(
                folder,
                output_filename="${rank}.jsonl.gz",
                adapter=lambda self, document: {"id": document.metadata["url"], "text": document.text},
            ),
        ],
        tasks=1,
        logging_dir=folder + ".log",
        skip_completed=False,
    ).run()
    os.replace(os.path.join(folder, "00000.jsonl.gz"), out)


if __name__ == "__main__":
    peer, warc, out = sys.argv[1:]
    logging.disable(logging.CRITICAL)
    steps = {
        "trafilatura": lambda: run_trafilatura(warc, out, favor_precision=True),
        "trafilatura-fast": lambda: run_trafilatura(warc, out, fast=True, favor_recall=True),
        "datatrove": lambda: run_datatrove(warc, out),
    }[peer]()
    next(steps)
    wall, before = time.perf_counter(), cpu()
    for _ in steps:
        pass
    print(json.dumps({"wall": time.perf_counter() - wall, "cpu": cpu() - before}))
