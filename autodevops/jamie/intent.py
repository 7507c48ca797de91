"""What a question wants, read from its words by a table (`intents.yaml`).

Says nothing of names: which namespace or workload is meant depends on what exists (`autodevops.jamie.context`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, Protocol, TypeAlias, cast, get_args

Intent: TypeAlias = Literal[
    "investigate",
    "status",
    "list",
    "count",
    "logs",
    "traces",
    "metrics",
    "compare",
    "capacity",
    "alerts",
    "deploys",
    "howto",
    "since_when",
    "action",
    "help",
    "smalltalk",
]


@dataclass(frozen=True)
class Reading:
    """`matched` is False when no pattern spoke and `investigate` is only the default."""

    intent: Intent
    matched: bool = True
    kind: str = ""  # of Kubernetes objects, for list and count
    state: str = ""  # a key of `states`
    errors_only: bool = False
    topic: str = ""  # a key of the intent's `topics`


class IntentModel(Protocol):
    """Somebody who may know what is wanted when the table does not: a model. Asked for nothing else."""

    async def read(self, question: str) -> Reading | None:
        """None when it does not know either. Raises a ToolError when it cannot be asked."""
        ...


@dataclass(frozen=True)
class Table:
    intents: tuple[tuple[Intent, re.Pattern[str]], ...]
    topics: dict[str, tuple[tuple[str, re.Pattern[str]], ...]]
    kinds: tuple[tuple[str, re.Pattern[str]], ...]
    states: tuple[tuple[str, re.Pattern[str]], ...]
    ordinals: tuple[tuple[int, re.Pattern[str]], ...]
    cluster_scoped: frozenset[str]
    follow_up: re.Pattern[str]
    pronoun: re.Pattern[str]
    errors_only: re.Pattern[str]
    not_names: frozenset[str]


# Kinds whose objects are in a state. "Which services are failing?" is no question about Service objects.
STATEFUL = frozenset(
    {"Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "PersistentVolumeClaim", "Node"}
)

# What Kubernetes and the rules name things by: two words run together, as nobody names a service.
_TERM = re.compile(
    r"^what(?:'s| is| are)\s+(?:an?\s+|the\s+)?`?[A-Z](?:\w*[a-z][A-Z]|[A-Z]+[a-z])\w*`?\W*$"
    r"|^what(?:'s| is) `[^`]+`\W*$"
)


def read(question: str) -> Reading:
    """The first intent whose pattern matches; `investigate` when none does."""
    words = table()
    plain = " ".join(question.replace("’", "'").split())
    if _TERM.search(plain[:1].lower() + plain[1:]):
        return Reading("howto")
    text = plain.lower()
    for intent, pattern in words.intents:
        if not pattern.search(text):
            continue
        kind = _first(words.kinds, text) if intent in {"list", "count"} else ""
        state = _first(words.states, text) if kind not in {"", "Image"} else ""
        if state and kind not in STATEFUL:
            return Reading("investigate")
        topic = next((key for key, words_ in words.topics.get(intent, ()) if words_.search(text)), "")
        return Reading(intent, kind=kind, state=state, errors_only=bool(words.errors_only.search(text)), topic=topic)
    return Reading("investigate", matched=False)


def carries_on(question: str) -> bool:
    """Whether a question leans on the one before, as "and in staging?" does."""
    return len(question.split()) <= 6 and bool(table().follow_up.search(question.lower()))


def has_pronoun(question: str) -> bool:
    return bool(table().pronoun.search(question.lower()))


def ordinal_of(question: str) -> int:
    """Which one of several is meant, from 1; -1 for the last; 0 when none is said."""
    text = question.lower()
    return next((number for number, pattern in table().ordinals if pattern.search(text)), 0)


@cache
def table() -> Table:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    raw: dict[str, Any] = yaml.load(files("autodevops.jamie").joinpath("intents.yaml").read_text("utf-8"), loader)
    kinds = {kind: rf"\b(?:{words})\b" for kind, words in raw["kinds"].items()}
    places = {
        "{kind}": "(?:" + "|".join(kinds.values()) + ")",
        "{trouble}": raw["trouble"],
        "{state_word}": "(?:" + "|".join(raw["states"].values()) + ")",
    }
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
        topics={
            intent: tuple((key, re.compile(words)) for key, words in rows.items())
            for intent, rows in raw["topics"].items()
        },
        kinds=tuple((kind, re.compile(words)) for kind, words in kinds.items()),
        states=tuple((state, re.compile(words)) for state, words in raw["states"].items()),
        ordinals=tuple((int(number), re.compile(words)) for number, words in raw["ordinals"].items()),
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
