"""What telemetry says of a failure, as words, places in code and sentences that a change can be compared with.

A word is a sign only if it is new: what a workload says on a quiet day tells nothing about the failure. Log lines and
spans are other people's text: they are cut into words and never interpreted.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from autodevops.analysis.diffs import canonical, spellings, words
from autodevops.analysis.log_mining import mine
from autodevops.analysis.shared_words import stems
from autodevops.domain.trace import Span

_ENVELOPE: Final = {
    "timestamp", "time", "ts", "@timestamp", "service", "service_name", "severity", "severity_text", "level", "lvl",
    "trace_id", "traceid", "span_id", "spanid", "host", "hostname", "pod", "namespace", "pid", "thread", "logger",
}  # fmt: skip
_MOST = 400  # texts looked at
_MOST_CHARACTERS = 4000  # of one
_FRAME = re.compile(
    r"(?P<path>[\w@./-]*\w\.(?:go|py|java|kt|scala|rb|js|jsx|ts|tsx|mjs|cs|php|rs|cpp|cc|c|ex|swift))"
    r"(?:\"?,? line |:line |:|\()(?P<line>\d+)"
)
_CALLED = re.compile(r"\b(?:[A-Za-z_]\w*[.#]|::)*([A-Za-z_]\w{3,})\b")
_AMONG_FRAMES = 160  # characters around a frame in which its function is named
_KEY = re.compile(r"(?<![\w.-])[\w.-]+=(?=\S)")  # a field that lines carry from now on is no sign of why they fail
_INPUT = re.compile(
    r"\b((?:record|message|msg|event|row|offset|partition|document|doc|object|item|entry|key|order|tenant|customer"
    r"|account|file|batch|job)(?:[_-]?id)?)[=: ]+\"?'?([\w./-]*\d[\w./-]*)",
    re.IGNORECASE,
)
_DATA_FILE = re.compile(
    r"(?<![\w.-])(?=[\w-]*\d)[\w-]+\.(?:csv|tsv|xml|json|jsonl|edi|txt|dat|xlsx?|parquet|avro|pdf|eml|zip|gz)\b",
    re.IGNORECASE,
)
_LEAST_SAME = 8  # failing lines that name the same piece of input, before it is not chance
_SAME_SHARE = 0.9


@dataclass(frozen=True)
class Signs:
    """`words` are new since trouble began; `gone` stood in the same operations before and stand there no longer."""

    text: str
    words: frozenset[str]
    exact: frozenset[str]  # the same as they are written
    gone: frozenset[str]
    operations: frozenset[str]
    frames: tuple[tuple[str, str], ...]  # path, and what is written around it
    numbers: frozenset[str]
    stems: frozenset[str] = frozenset()  # of the words that are new
    done_worse: frozenset[str] = frozenset()  # of operations that fail, slow down or repeat, as `worse_operations` says
    same_input: str = ""  # `record_id=evt-17`: the piece of input that nearly all failing lines are about

    @property
    def silent(self) -> bool:
        return not self.text


def read_signs(
    failing: Sequence[str],
    usual: Iterable[str],
    bad_spans: Sequence[Span],
    good_spans: Sequence[Span],
    alerts: Sequence[str] = (),
    near: Sequence[str] = (),
    worse: Iterable[str] = (),
) -> Signs:
    """Signs from failing and usual sentences, and from spans that failed or were slow beside ordinary ones.

    What alerts say counts but for its numbers, which are thresholds. `near` are new sentences of what it depends on,
    of which words alone count, and `worse` the operations that are done worse.
    """
    texts = [plain(text) for text in failing[:_MOST]]
    spans = [_span_text(span) for span in bad_spans[:_MOST]]
    before = [plain(text) for text in usual] + [_span_text(span) for span in good_spans[:_MOST]]
    everything = list(dict.fromkeys([*texts, *spans, *alerts]))
    said, known = ([_KEY.sub(" ", text) for text in texts] for texts in (everything, before))
    told = [*texts, *(_span_said(span) for span in bad_spans[:_MOST]), *alerts, *(plain(text) for text in near)]
    return Signs(
        text="\n".join(everything),
        words=words(said) - words(known),
        exact=spellings(said) - spellings(known),
        gone=_gone(bad_spans, good_spans),
        operations=words([span.name for span in bad_spans]),
        stems=stems(_KEY.sub(" ", text) for text in told) - stems(known),
        done_worse=stems(worse),
        frames=tuple(_frames(everything)),
        numbers=numbers(everything) - numbers([*before, *alerts]),
        same_input=_same_input(texts),
    )


@lru_cache(maxsize=8192)  # a line is read again for each subject that it may speak of
def plain(line: str) -> str:
    """A log line without its envelope: `key=value` of what it says, whatever it is written in.

    Line breaks that a shipper escaped once more are line breaks again.
    """
    text = line.strip()[:_MOST_CHARACTERS]
    if not text.startswith("{"):
        return text.replace("\\n", "\n")
    try:
        fields = json.loads(text)
    except ValueError:
        return text
    if not isinstance(fields, dict):
        return text
    said = [(key, value) for key, value in fields.items() if key.lower() not in _ENVELOPE]
    told = " ".join(str(v) if k in ("msg", "message", "stack", "error") else f"{k}={v}" for k, v in said)
    return told.replace("\\n", "\n")


def distinct(lines: Iterable[str]) -> tuple[str, ...]:
    """A few examples of each kind of line, so that one that repeats does not push the others out."""
    told = list(lines)
    seen: Counter[int] = Counter()
    kept: list[str] = []
    for line, template in zip(told, mine(plain(line) for line in told)[1], strict=True):
        seen[template] += 1
        if seen[template] <= _LEAST_SAME * 4:
            kept.append(line)
    return tuple(kept)


def _span_text(span: Span) -> str:
    return f"{span.name} {_span_said(span)}".strip()


def _span_said(span: Span) -> str:
    said = " ".join(f"{key}={value}" for key, value in sorted(span.attributes.items()))
    return f"{span.status_message} {said}".strip()


def _gone(bad: Sequence[Span], good: Sequence[Span]) -> frozenset[str]:
    """Words of an operation's attributes on ordinary days that none of its failing or slow spans has."""
    now: dict[tuple[str, str], set[str]] = defaultdict(set)
    then: dict[tuple[str, str], set[str]] = defaultdict(set)
    for spans, found in ((bad, now), (good, then)):
        for span in spans:
            found[span.service, span.name].update(
                words([f"{k} {v}" for k, v in span.attributes.items() if isinstance(v, str)])
            )
    return frozenset(word for key in now.keys() & then.keys() for word in then[key] - now[key])


def _frames(texts: Iterable[str]) -> Iterable[tuple[str, str]]:
    for text in texts:
        for match in _FRAME.finditer(text):
            yield match.group("path"), text[max(0, match.start() - _AMONG_FRAMES) : match.end() + _AMONG_FRAMES]


def called_in(around: str) -> frozenset[str]:
    """The names that stand around a frame, one of which is its function."""
    return frozenset(canonical(name) for name in _CALLED.findall(around))


def numbers(texts: Iterable[str]) -> frozenset[str]:
    """Numbers of two to seven digits that stand alone or before a unit."""
    return frozenset(
        found for text in texts for found in re.findall(r"(?<![\w.-])\d{2,7}(?=(?:ms|s|m|[KMG]i?B?)?\b)", text)
    )


def _same_input(texts: Sequence[str]) -> str:
    """The input that fails again and again, if nearly all lines that name input name the same one."""
    found = [
        {f"{key.lower()}={value}" for key, value in _INPUT.findall(text)}
        | {f"file={name}" for name in _DATA_FILE.findall(text)}
        for text in texts
    ]
    naming = [keys for keys in found if keys]
    if len(naming) < _LEAST_SAME or len(naming) < 0.5 * len(texts):
        return ""
    counts = Counter(key for keys in naming for key in keys)
    key, count = max(counts.items(), key=lambda item: (item[1], item[0]))
    return key if count >= _SAME_SHARE * len(naming) else ""
