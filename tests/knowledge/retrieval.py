"""The question/article pairs as data, in two halves, and what a ranking of titles is worth against them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import yaml

from autodevops.knowledge.handbook import articles

Half: TypeAlias = Literal["tuned", "unseen"]


@dataclass(frozen=True)
class Pair:
    question: str
    title: str  # of the article that answers it
    half: Half


@dataclass(frozen=True)
class Figures:
    pairs: int
    first: float  # recall@1
    five: float  # recall@5
    mrr: float  # mean reciprocal rank, over the first ten


def pairs() -> tuple[Pair, ...]:
    titles = {article.name: article.title for article in articles()}
    raw = yaml.safe_load((Path(__file__).parent / "retrieval_pairs.yaml").read_text("utf-8"))
    return tuple(
        Pair(question, titles[name], "tuned" if zlib.crc32(question.encode()) % 2 else "unseen")
        for name, questions in raw.items()
        for question in questions
    )


def measured(pairs: Iterable[Pair], search: Callable[[str], list[str]]) -> Figures:
    """`search` gives titles, best first."""
    ranks: list[int] = []
    for pair in pairs:
        found = search(pair.question)[:10]
        ranks.append(found.index(pair.title) + 1 if pair.title in found else 0)
    count = len(ranks) or 1
    return Figures(
        pairs=len(ranks),
        first=sum(rank == 1 for rank in ranks) / count,
        five=sum(1 <= rank <= 5 for rank in ranks) / count,
        mrr=sum(1 / rank for rank in ranks if rank) / count,
    )
