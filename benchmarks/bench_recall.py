"""How well the handbook is found: recall@1, recall@5, mean reciprocal rank and latency. Prints, judges nothing.

Usage: python benchmarks/bench_recall.py [--half tuned] [--misses]

Each way of finding alone and fused, over the question/article pairs of tests/knowledge/retrieval_pairs.yaml, in their
two halves: the ranking was tuned looking at one of them. With AUTODEVOPS_OLLAMA__URL and
AUTODEVOPS_MEMORY__EMBEDDING_MODEL set, that model's embeddings are measured as well. Then the same beside
2,000 notes of two hundred chance words each.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path

from knowledge.retrieval import Half, Pair, measured, pairs

from autodevops.domain.memory import document
from autodevops.knowledge import handbook
from autodevops.llm.embeddings import embedders
from autodevops.settings import load_settings
from autodevops.stores.memory_hashing import HashingEmbedder
from autodevops.stores.memory_lance import LanceMemory
from autodevops.stores.memory_protocol import Memory
from autodevops.stores.memory_twin import TwinMemory

_ROW = "{:34} {:>7} {:>9} {:>9} {:>6} {:>12}"


def row(name: str, memory: Memory, asked: list[Pair], embedding: str) -> None:
    took: list[float] = []

    def search(question: str) -> list[str]:
        start = time.perf_counter()
        found = memory.search(question, ["knowledge"], 10, embedding=embedding)
        took.append((time.perf_counter() - start) * 1000)
        return [one.title for one in found]

    search("warm up")
    took.clear()
    figures = measured(asked, search)
    middle = f"{statistics.median(took):.1f} ms"
    print(_ROW.format(name, figures.pairs, f"{figures.first:.3f}", f"{figures.five:.3f}", f"{figures.mrr:.3f}", middle))


def misses(memory: Memory, asked: list[Pair]) -> None:
    for pair in asked:
        found = [one.title for one in memory.search(pair.question, ["knowledge"], 10)]
        rank = found.index(pair.title) + 1 if pair.title in found else 0
        if rank != 1:
            print(
                f"  {rank or '-':>2}  {pair.question}\n        wanted {pair.title}; first {found[0] if found else '-'}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--half", choices=["tuned", "unseen"], help="only this half")
    parser.add_argument("--misses", action="store_true", help="print what was not first (of the tuned half)")
    given = parser.parse_args()
    settings = load_settings()
    halves: list[Half] = [given.half] if given.half else ["tuned", "unseen"]
    further = embedders(settings.ollama, settings.memory.embedding_model)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        disk = LanceMemory(Path(folder), [*further, HashingEmbedder()])
        disk.replace(handbook.SOURCE, handbook.documents())
        print(f"{len(handbook.articles())} articles indexed in {time.perf_counter() - start:.2f} s\n")
        twin = TwinMemory([HashingEmbedder()])
        twin.replace(handbook.SOURCE, handbook.documents())
        ways = [("full text (LanceDB)", disk, "text"), ("hashing vectors", disk, HashingEmbedder.name)]
        ways += [(f"vectors of {one.name}", disk, one.name) for one in further]
        ways += [("fused", disk, ""), ("full text (twin)", twin, "text"), ("fused (twin)", twin, "")]
        for half in halves:
            asked = [pair for pair in pairs() if pair.half == half]
            print(_ROW.format(f"{half} half", "pairs", "recall@1", "recall@5", "MRR", "latency p50"))
            for name, memory, embedding in ways:
                row(name, memory, asked, embedding)
            print()
            if given.misses and half == "tuned":
                misses(disk, asked)
        chance = random.Random(1)
        words = sorted({word for article in handbook.articles() for word in article.text.split()})
        texts = [" ".join(chance.choices(words, k=200)) for _ in range(2000)]
        disk.put(*(document("knowledge", f"Note {n}", text, at=handbook.EDITION) for n, text in enumerate(texts)))
        asked = [pair for pair in pairs() if pair.half in halves]
        print(_ROW.format("beside 2,000 notes of chance words", "pairs", "recall@1", "recall@5", "MRR", "latency p50"))
        row("fused", disk, asked, "")


if __name__ == "__main__":
    main()
