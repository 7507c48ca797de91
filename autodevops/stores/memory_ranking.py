"""From several rankings to one, and how people's thumbs move it. Pure; docs/memory.md tells it to people.

Reciprocal rank fusion (Cormack, Clarke, Buettcher, SIGIR 2009): a document scores the sum of 1 / (10 + rank) over the
rankings it stands in, here weighted and divided by the best that could be, so that 1 is first everywhere. Thumbs
multiply that by at least 0.75 and at most 1.25: enough to change a few places, too little to bring up what does not
fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from autodevops.domain.memory import Document, DocumentKind, Passage, SourceSummary

DEEP = 50  # places of each ranking that are looked at
TEXT_WEIGHT, VECTOR_WEIGHT = 1.0, 0.5
LEAST_LIKENESS = 0.08  # cosine below which a vector says nothing
SMOOTHING = 10  # how little the first places stand out; 60 in the paper, where rankings have a thousand places
SWAY = 0.25
DOUBT = 2  # a single thumb moves a third of what many can


@dataclass(frozen=True)
class Ranking:
    name: str
    weight: float
    ids: Sequence[str]  # best first


@dataclass(frozen=True)
class Thumbs:
    up: int = 0
    down: int = 0
    corrections: int = 0

    @property
    def factor(self) -> float:
        return 1.0 + SWAY * (self.up - self.down) / (self.up + self.down + DOUBT)


@dataclass(frozen=True)
class Ranked:
    id: str
    score: float
    why: str


def fused(rankings: Sequence[Ranking], thumbs: Mapping[str, Thumbs]) -> list[Ranked]:
    """Best first; of equals the one with the smaller id."""
    best = sum(ranking.weight / (SMOOTHING + 1) for ranking in rankings) or 1.0
    scores: dict[str, float] = {}
    places: dict[str, list[str]] = {}
    for ranking in rankings:
        for rank, id in enumerate(ranking.ids, 1):
            scores[id] = scores.get(id, 0.0) + ranking.weight / (SMOOTHING + rank) / best
            places.setdefault(id, []).append(f"{ranking.name} #{rank}")
    found = [_judged(id, score, places[id], thumbs.get(id, Thumbs())) for id, score in scores.items()]
    return sorted(found, key=lambda one: (-one.score, one.id))


def _judged(id: str, score: float, places: list[str], thumbs: Thumbs) -> Ranked:
    said = list(places)
    if thumbs.up or thumbs.down:
        said.append(f"thumbs {thumbs.up} up, {thumbs.down} down (x{thumbs.factor:.2f})")
    if thumbs.corrections:
        said.append(f"{thumbs.corrections} correction{'s' if thumbs.corrections > 1 else ''}")
    return Ranked(id, round(score * thumbs.factor, 6), ", ".join(said))


def passage(document: Document, score: float, why: str) -> Passage:
    kept = document.model_dump(include={"id", "title", "text", "source", "kind", "at"})
    return Passage(**kept, score=score, why=why)


def thumbs_of(feedback: Iterable[Document]) -> dict[str, Thumbs]:
    """By the document they judge. Of a conversation the last word counts: people change their mind."""
    last = {(one.about, one.conversation or one.id): one for one in sorted(feedback, key=lambda one: one.at)}
    count: Counter[tuple[str, str]] = Counter()
    for one in last.values():
        count[one.about, {1: "up", -1: "down", 0: ""}[one.thumb]] += 1
        count[one.about, "corrections"] += bool(one.text)
    return {
        id: Thumbs(count[id, "up"], count[id, "down"], count[id, "corrections"]) for id in {key for key, _ in count}
    }


def summaries(documents: Iterable[Document]) -> tuple[SourceSummary, ...]:
    grouped: dict[tuple[str, DocumentKind], list[datetime]] = {}
    for one in documents:
        grouped.setdefault((one.source, one.kind), []).append(one.at)
    return tuple(
        SourceSummary(source=source, kind=kind, documents=len(times), at=max(times))
        for (source, kind), times in sorted(grouped.items())
    )
