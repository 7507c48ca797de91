"""What every workload is asked, fails and takes, of the last two hours: found out by convention, nothing configured.

Which metric families exist, and which of their labels name namespaces, workloads and failures, is asked now and then;
their rates over all namespaces are asked at each look, for the moments that are new. The first family in the order of
`request_families` that knows a workload speaks for it. What runs beside Kubernetes is asked for apart, as its series
have labels of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from autodevops.domain.series import Series
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import NameList, SeriesResult
from autodevops.investigation.gather.promql import latest
from autodevops.investigation.request_families import (
    BESIDE,
    CLUSTER_LABELS,
    FAMILIES,
    NAMESPACE_LABELS,
    POD_LABELS,
    SERVICE_LABELS,
    RequestFamily,
)
from autodevops.kernel.clock import rfc3339
from autodevops.kernel.query_text import escape, literal
from autodevops.scarlet.watching.places import Places
from autodevops.scarlet.watching.sample_table import STEP, RowKey, SampleTable, moment
from autodevops.toolbox.protocol import Tools

RateKind: TypeAlias = Literal["asked", "failed", "took"]

RATE_WINDOW: Final = "2m"  # four scrapes of the usual half a minute
_FIND_AGAIN: Final = timedelta(minutes=10)
_REACH: Final = "10m"  # a service that has just gone is still one
_MOST_SERIES: Final = 380  # asked for at once: two hours of them are what one answer holds
_SCRAPED: Final = f"count by (job) (last_over_time(up{{{BESIDE}}}[1h]))"


_OWNER: Final = "workload"
_GENERATED: Final = "((-[bcdfghjklmnpqrstvwxz0-9]{5,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}|-[0-9]+)?"
"""What controllers put behind a workload's name in those of its pods, for RE2."""


@dataclass
class Asked:
    """One family as it is used here, and its samples: requests per second, failures per second, seconds per second.

    Where only a pod is told, its workload's name is made of it: pods come and go with each release, and have no past.
    """

    family: RequestFamily
    namespace: str  # the label
    workload: str  # the label
    failure: str  # the matcher; empty: it does not tell
    timed: bool
    bucketed: bool
    beside: bool = False  # of what runs beside Kubernetes; else of all namespaces
    parts: tuple[str, ...] = ("",)  # matchers that divide the namespaces, so that no answer is cut
    table: SampleTable = field(default_factory=lambda: SampleTable(("asked", "failed", "took")))
    subjects: list[Subject | None] = field(default_factory=list)

    @property
    def labels(self) -> tuple[str, str]:
        """By which an answer is told apart."""
        return self.namespace, _OWNER if self._by_pod else self.workload

    @property
    def _by_pod(self) -> bool:
        return self.workload in POD_LABELS

    @property
    def is_as(self) -> tuple[str, ...]:
        return self.family.name, self.family.where, self.namespace, self.workload, self.failure

    def subject(self, key: RowKey, places: Places) -> Subject | None:
        """The workload of a row, or what runs beside Kubernetes; each is some family's to tell, and not both."""
        return _subject(key[0], self.labels[1], key[1], places, self.beside) if key[1] else None

    def query(self, kind: RateKind, window: str, only: str = "") -> str:
        """Per second, by namespace and workload. `only`: further matchers."""
        metric = self.family.total if kind == "took" else self.family.count
        matchers = [self.family.where, only, self.failure if kind == "failed" else ""]
        selector = ",".join(part for part in matchers if part)
        rate = self._sum(f"rate({metric}{{{selector}}}[{window}])")
        scale = self.family.seconds_per_unit
        return f"{rate} * {scale:g}" if kind == "took" and scale != 1.0 else rate

    def buckets(self, window: str, only: str) -> str:
        """Per second, by namespace, workload and upper edge."""
        selector = ",".join(part for part in (self.family.where, only) if part)
        return self._sum(f"rate({self.family.bucket}{{{selector}}}[{window}])", ", le")

    def _sum(self, rates: str, further: str = "") -> str:
        if self._by_pod:
            rates = f'label_replace({rates}, "{_OWNER}", "$1", "{self.workload}", "(.+?){_GENERATED}")'
        return f"sum by ({', '.join(self.labels)}{further}) ({rates})"

    def key(self, labels: Mapping[str, str]) -> RowKey:
        return tuple(labels.get(label, "") for label in self.labels)

    def only(self, rows: Iterable[int]) -> str:
        """Matchers that leave these rows, and of several may leave a few more."""
        spaces, names = (sorted(set(some)) for some in zip(*(self.table.keys[row] for row in rows), strict=True))
        behind = _GENERATED if self._by_pod else ""
        return f"{_one_of(self.namespace, spaces)},{_one_of(self.workload, names, behind)}"


class Requests:
    def __init__(self, tools: Tools, also: Iterable[str] = ()) -> None:
        """`also`: metrics of which somebody wants to know whether they exist."""
        self._tools = tools
        self._also = tuple(also)
        self._found_at: datetime | None = None
        self.asked: list[Asked] = []
        self.names = frozenset[str]()  # of the metrics that exist, of those asked about
        self.jobs = frozenset[str]()  # whose targets are scraped without a namespace
        self.cut = ""  # what an answer had too many of

    async def refresh(self, now: datetime, places: Places) -> None:
        """Raises ToolError and ValidationError; what was known stays, and what is missing is asked for next time."""
        if self._found_at is None or now - self._found_at >= _FIND_AGAIN:
            await self._find(now, places)
            self._found_at = now
        self.cut = ""
        await asyncio.gather(*(self._fetch(asked, now) for asked in self.asked))
        spoken: set[Subject] = set()
        for asked in self.asked:
            for key in asked.table.keys[len(asked.subjects) :]:
                asked.subjects.append(asked.subject(key, places))
            asked.subjects = [None if subject in spoken else subject for subject in asked.subjects]
            spoken |= {subject for subject in asked.subjects if subject is not None}

    async def instant(self, query: str, now: datetime) -> tuple[Series, ...]:
        arguments = {"query": query, "time": rfc3339(now)}
        return SeriesResult.model_validate((await self._tools.call("prometheus.query_instant", arguments)).data).series

    async def window(self, query: str, start: datetime, end: datetime, step: int) -> SeriesResult:
        answer = await self._tools.call(
            "prometheus.query_range",
            {"query": query, "start": rfc3339(start), "end": rfc3339(end), "step_seconds": step},
        )
        return SeriesResult.model_validate(answer.data)

    async def _fetch(self, asked: Asked, now: datetime) -> None:
        first, last = asked.table.due(now)
        kinds: list[RateKind] = ["asked"]
        kinds += ["failed"] if asked.failure else []
        kinds += ["took"] if asked.timed else []
        answers = await asyncio.gather(
            *(
                self.window(asked.query(kind, RATE_WINDOW, part), moment(first), moment(last), STEP)
                for kind in kinds
                for part in asked.parts
            )
        )
        self.cut = next((f"{asked.family.name}: {answer.note}" for answer in answers if answer.truncated), self.cut)
        asked.table.advance(last)
        for number, answer in enumerate(answers):
            asked.table.fill(kinds[number // len(asked.parts)], asked.labels, answer.series)

    async def _find(self, now: datetime, places: Places) -> None:
        wanted = sorted(
            {name for one in FAMILIES for name in (one.count, *((one.bucket, one.total) if one.bucket else ()))}
        )
        named = f'__name__=~"{"|".join(map(literal, (*wanted, *self._also)))}"'
        everywhere, beside, scraped = await asyncio.gather(
            self._names(named), self._names(f"{named},{BESIDE}"), self.instant(_SCRAPED, now)
        )
        self.names = everywhere
        self.jobs = frozenset(series.labels.get("job", "") for series in scraped) - {""}
        plans = [(family, everywhere, False) for family in FAMILIES if family.count in everywhere]
        plans += [(_only_beside(family), beside, True) for family in FAMILIES if family.count in beside]
        found = await asyncio.gather(*(self._plan(*plan, now, places) for plan in plans))
        known = {asked.is_as: asked for asked in self.asked}
        self.asked = []
        spoken: set[Subject] = set()
        for asked, subjects in found:
            if asked is None or subjects <= spoken:
                continue  # what this family knows, another knows better
            spoken |= subjects
            before = known.get(asked.is_as)
            if before is not None:
                asked.table = before.table
                asked.table.forget_the_gone()
            self.asked.append(asked)

    async def _names(self, match: str) -> frozenset[str]:
        answer = await self._tools.call("prometheus.list_metrics", {"match": f"{{{match}}}"})
        return frozenset(NameList.model_validate(answer.data).names)

    async def _plan(
        self, family: RequestFamily, names: frozenset[str], beside: bool, now: datetime, places: Places
    ) -> tuple[Asked | None, frozenset[Subject]]:
        """The family as it is used here, and the workloads that it knows."""
        reach = f"last_over_time({family.count}{{{family.where}}}[{_REACH}])"
        failures = ", ".join(label for label, _ in family.failure)
        rows, states = await asyncio.gather(
            self.instant(f"count by ({', '.join((*NAMESPACE_LABELS, *SERVICE_LABELS))}) ({reach})", now),
            self.instant(f"count by ({failures}) ({reach})", now),
        )
        label, subjects = _best_label([one.labels for one in rows], SERVICE_LABELS, places, beside)
        if not label[1]:
            pods = await self.instant(f"count by ({', '.join((*NAMESPACE_LABELS, *POD_LABELS))}) ({reach})", now)
            label, subjects = _best_label([one.labels for one in pods], POD_LABELS, places, beside)
        if not label[1]:
            return None, frozenset()
        told = {name for one in states for name, value in one.labels.items() if value}
        failure = next((f"{name}{match}" for name, match in family.failure if name in told), "")
        series = await self.instant(f"count by ({label[0]}) (count by ({', '.join(label)}) ({reach}))", now)
        timed, bucketed = family.total in names, family.bucket in names
        return Asked(family, *label, failure, timed, bucketed, beside, _parts(label[0], series)), subjects


def _one_of(label: str, values: Sequence[str], behind: str = "") -> str:
    if len(values) == 1 and not behind:
        return f'{label}="{escape(values[0])}"'
    one_of = "|".join(map(literal, values))
    return f'{label}=~"({one_of}){behind}"' if behind else f'{label}=~"{one_of}"'


def _only_beside(family: RequestFamily) -> RequestFamily:
    return replace(family, where=f"{family.where},{BESIDE}" if family.where else BESIDE)


def _subject(namespace: str, label: str, value: str, places: Places, beside: bool) -> Subject | None:
    if beside:
        return places.beside(value.rsplit("/", 1)[-1])
    found = places.named(namespace, label, value)
    return found if found is not None and found.namespace else None


def _best_label(
    rows: Sequence[Mapping[str, str]], labels: Iterable[str], places: Places, beside: bool
) -> tuple[tuple[str, str], frozenset[Subject]]:
    """The labels of namespace and workload that tell most workloads apart on most series, and those workloads; of equal
    ones the first."""
    known = NAMESPACE_LABELS if places.cluster else CLUSTER_LABELS
    spaces = [label for label in known if any(row.get(label) for row in rows)] or [NAMESPACE_LABELS[0]]
    best, most, best_known = ("", ""), (0, 0), frozenset[Subject]()
    for space in spaces:
        for label in labels:
            told = [row for row in rows if row.get(label)]
            found = [_subject(row.get(space, ""), label, row[label], places, beside) for row in told]
            subjects = frozenset(one for one in found if one is not None)
            score = (sum(1 for one in found if one is not None), len(subjects))
            if score > most:
                best, most, best_known = (space, label), score, subjects
    return best, best_known


def _parts(label: str, series: Iterable[Series]) -> tuple[str, ...]:
    """Matchers for namespaces together, each for no more series than one answer holds."""
    counts = sorted((one.labels.get(label, ""), latest(one) or 0.0) for one in series)
    parts: list[list[str]] = [[]]
    size = 0.0
    for namespace, count in counts:
        if parts[-1] and size + count > _MOST_SERIES:
            parts.append([])
            size = 0.0
        parts[-1].append(namespace)
        size += count
    if len(parts) == 1:
        return ("",)
    return tuple(f'{label}=~"{"|".join(map(literal, part))}"' for part in parts)
