"""What a question wants, read from its words by a table (`intents.yaml`).

Says nothing of names: which namespace or workload is meant depends on what exists (`autodevops.jamie.context`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeAlias, cast, get_args

Intent: TypeAlias = Literal[
    "investigate", "list", "count", "logs", "alerts", "deploys", "metrics", "since_when", "action", "help", "smalltalk"
]


@dataclass(frozen=True)
class Reading:
    """`matched` is False when no pattern spoke and `investigate` is only the default."""

    intent: Intent
    matched: bool = True
    kind: str = ""  # of Kubernetes objects, for list and count
    state: str = ""  # a key of `states`
    errors_only: bool = False


@dataclass(frozen=True)
class Table:
    intents: tuple[tuple[Intent, re.Pattern[str]], ...]
    kinds: tuple[tuple[str, re.Pattern[str]], ...]
    states: tuple[tuple[str, re.Pattern[str]], ...]
    cluster_scoped: frozenset[str]
    follow_up: re.Pattern[str]
    pronoun: re.Pattern[str]
    errors_only: re.Pattern[str]
    not_names: frozenset[str]


# Kinds whose objects are in a state. "Which services are failing?" is no question about Service objects.
STATEFUL = frozenset(
    {"Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "PersistentVolumeClaim", "Node"}
)


def read(question: str) -> Reading:
    """The first intent whose pattern matches; `investigate` when none does."""
    words = table()
    text = " ".join(question.lower().replace("’", "'").split())
    for intent, pattern in words.intents:
        if not pattern.search(text):
            continue
        kind = _first(words.kinds, text) if intent in {"list", "count"} else ""
        state = _first(words.states, text) if kind else ""
        if state and kind not in STATEFUL:
            return Reading("investigate")
        return Reading(intent, kind=kind, state=state, errors_only=bool(words.errors_only.search(text)))
    return Reading("investigate", matched=False)


def carries_on(question: str) -> bool:
    """Whether a question leans on the one before, as "and in staging?" does."""
    return len(question.split()) <= 6 and bool(table().follow_up.search(question.lower()))


def has_pronoun(question: str) -> bool:
    return bool(table().pronoun.search(question.lower()))


@cache
def table() -> Table:
    import yaml

    raw: dict[str, Any] = yaml.safe_load(files("autodevops.jamie").joinpath("intents.yaml").read_text("utf-8"))
    kinds = {kind: rf"\b(?:{words})\b" for kind, words in raw["kinds"].items()}
    places = {"{kind}": "(?:" + "|".join(kinds.values()) + ")", "{trouble}": raw["trouble"]}
    intents: list[tuple[Intent, re.Pattern[str]]] = []
    for row in raw["intents"]:
        if row["name"] not in get_args(Intent):
            raise ValueError(f"intents.yaml names an unknown intent: {row['name']}")
        for pattern in row["patterns"]:
            for place, words in places.items():
                pattern = pattern.replace(place, words)
            intents.append((cast(Intent, row["name"]), re.compile(pattern)))
    return Table(
        intents=tuple(intents),
        kinds=tuple((kind, re.compile(words)) for kind, words in kinds.items()),
        states=tuple((state, re.compile(words)) for state, words in raw["states"].items()),
        cluster_scoped=frozenset(raw["cluster_scoped"]),
        follow_up=re.compile(raw["follow_up"]),
        pronoun=re.compile(raw["pronoun"]),
        errors_only=re.compile(raw["errors_only"]),
        not_names=frozenset(raw["not_names"].split()),
    )


def _first(patterns: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> str:
    """The key whose words come first in the text; of those in one place, the first in the table."""
    found = [
        (match.start(), rank, key) for rank, (key, pattern) in enumerate(patterns) if (match := pattern.search(text))
    ]
    return min(found)[2] if found else ""
