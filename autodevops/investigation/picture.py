"""All that was gathered, as values that rules can look at. Nothing here asks the world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Literal, TypeAlias

from autodevops.analysis.log_tails import TailError, errors_in
from autodevops.analysis.log_templates import TemplateGroup, group
from autodevops.analysis.samples import FloatArray
from autodevops.domain.alert import Alert
from autodevops.domain.change import Change
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.logs import LogRecord
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import Commit, PullRequest
from autodevops.domain.trace import Trace
from autodevops.domain.window import TimeWindow
from autodevops.investigation.dependency_families import Measure
from autodevops.investigation.graph import CallGraph
from autodevops.investigation.inventory import Inventory
from autodevops.investigation.once import Once
from autodevops.investigation.pressure_families import PressureKind
from autodevops.investigation.request import Span

SignalKind: TypeAlias = Literal["error_ratio", "latency_p95", "latency_mean", "request_rate", "cpu_throttling"]
System: TypeAlias = Literal["kubernetes", "prometheus", "loki", "tempo", "github"]


NodeKind: TypeAlias = Literal[
    "retransmitted", "dropped", "clock_offset", "clock_synced", "unit_active", "disk_free", "booted", "proxy_answers",
    "proxy_up", "exporter_up", "scrape_seconds", "dns_failing", "leads",
]  # fmt: skip


@dataclass(frozen=True)
class Signal:
    """One golden signal of one workload over baseline and window; `labels` are those of its series."""

    subject: Subject
    kind: SignalKind
    times: FloatArray
    values: FloatArray
    labels: Mapping[str, str]
    evidence: EvidenceId


@dataclass(frozen=True)
class NodeSeries:
    """One number of a node, or of the whole cluster, over baseline and window.

    `node` is empty for numbers of the cluster; `detail` is the unit, mount point or control loop it speaks of.
    """

    node: str
    kind: NodeKind
    times: FloatArray
    values: FloatArray
    detail: str
    evidence: EvidenceId


@dataclass(frozen=True)
class PodSignal:
    """How one pod serves at the window's end: share of requests that fail, or their mean seconds."""

    subject: Subject
    pod: str
    kind: Literal["error_ratio", "latency"]
    value: float
    rate: float
    evidence: EvidenceId


@dataclass(frozen=True)
class PodMemory:
    """Working set in bytes of a container that was OOMKilled, over baseline and window."""

    pod: str
    container: str
    times: FloatArray
    values: FloatArray
    evidence: EvidenceId


@dataclass(frozen=True)
class Saturation:
    """A container's use of what it was given, now: 0.97 of its memory limit.

    `what` names the pool or the convention it is known by; `before` says that it was so before the window, too.
    """

    subject: Subject
    pod: str
    container: str
    ratio: float
    evidence: EvidenceId
    kind: PressureKind = "memory"
    what: str = ""
    before: bool = False


@dataclass(frozen=True)
class MemoryUse:
    """A container's working set over time, as a share of its limit where `limit` (bytes) is known, else in bytes."""

    subject: Subject
    pod: str
    container: str
    times: FloatArray
    values: FloatArray
    limit: float | None
    evidence: EvidenceId


@dataclass(frozen=True)
class Trend:
    """How much of a supply is used over hours, as a share of one. `what` it is ("Memory"), `detail` of which part."""

    subject: Subject
    what: str
    detail: str
    times: FloatArray
    values: FloatArray
    evidence: EvidenceId


@dataclass(frozen=True)
class NodeLoad:
    """Cores used on a node, now and before, by whose pods: (namespace, pod) to cores; of `capacity` cores.

    `stolen` is the share of its time that the machine below gave to others; `idle` what was left, where known.
    """

    node: str
    capacity: float
    now: Mapping[tuple[str, str], float]
    before: Mapping[tuple[str, str], float]
    idle: float | None
    stolen: float | None
    evidence: tuple[EvidenceId, ...]


@dataclass(frozen=True)
class Dependency:
    """A database, cache, queue or outside API: what it speaks (`system`), and the host names it is called by."""

    subject: Subject
    system: str
    hosts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reading:
    """One measure of a dependency over baseline and window.

    `about` tells instances of one subject apart; `labels` say which queue, statement or caller it is.
    """

    subject: Subject
    system: str
    about: str
    measure: Measure
    times: FloatArray
    values: FloatArray
    labels: Mapping[str, str]
    evidence: EvidenceId


@dataclass(frozen=True)
class Target:
    """Whether Prometheus could scrape one address (`up`), over baseline and window; asked where pods cannot be read."""

    subject: Subject
    instance: str
    times: FloatArray
    values: FloatArray
    evidence: EvidenceId


@dataclass(frozen=True)
class SeenAlert:
    alert: Alert
    subject: Subject | None
    evidence: EvidenceId


@dataclass(frozen=True)
class SeenLog:
    subject: Subject | None
    record: LogRecord
    evidence: EvidenceId


@dataclass(frozen=True)
class SeenTrace:
    trace: Trace
    evidence: EvidenceId


@dataclass(frozen=True)
class SeenCertificate:
    """When the certificate that a host shows ends."""

    host: str
    ends: datetime
    evidence: EvidenceId


@dataclass(frozen=True)
class LastWords:
    """The tail of a container's log, oldest line first: of one that ended, or of one that `lives` and fails."""

    subject: Subject
    pod: str
    container: str
    lines: tuple[str, ...]
    evidence: EvidenceId
    lives: bool = False

    @cached_property
    def errors(self) -> tuple[TailError, ...]:
        """What it tells of going wrong, the last first."""
        return errors_in(self.lines)


@dataclass(frozen=True)
class Rollout:
    """A change of a workload's pod template that took effect at `change.at`.

    `commit` is the source revision its annotations or image tag name, if they name one.
    `restart_only` means that nothing but a restart was asked for, `config_only` that nothing but the hash of the
    settings it reads differs. `number` is the revision; `images` are the pairs that differ, `differences` all that
    does, in words; `touched` are the fields, None where they are not known.
    """

    change: Change
    number: int
    images: tuple[tuple[str, str], ...] = ()
    differences: tuple[str, ...] = ()
    touched: frozenset[str] | None = None
    commit: str = ""
    previous_commit: str = ""
    restart_only: bool = False
    config_only: bool = False
    rollback: bool = False

    @property
    def subject(self) -> Subject:
        return self.change.subject

    @property
    def beside_code(self) -> bool:
        """Whether anything but images differs: no commit's diff says all of what such a rollout changed."""
        return len(self.differences) > len(self.images)


@dataclass(frozen=True)
class ObjectEdit:
    """The last write of an object by one manager, or its creation; controllers' own bookkeeping is left out."""

    subject: Subject
    at: datetime
    manager: str
    created: bool
    scaled: bool
    evidence: EvidenceId


@dataclass(frozen=True)
class Picture(Once):
    """One investigation's world. `listed` gives the evidence of each kind of Kubernetes object."""

    span: Span
    inventory: Inventory
    listed: Mapping[str, EvidenceId] = field(default_factory=dict)
    signals: tuple[Signal, ...] = ()
    saturation: tuple[Saturation, ...] = ()
    node_series: tuple[NodeSeries, ...] = ()
    pod_signals: tuple[PodSignal, ...] = ()
    pod_memory: tuple[PodMemory, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    readings: tuple[Reading, ...] = ()
    targets: tuple[Target, ...] = ()
    alerts: tuple[SeenAlert, ...] = ()
    certificates: tuple[SeenCertificate, ...] = ()
    logs: tuple[SeenLog, ...] = ()
    baseline_logs: tuple[SeenLog, ...] = ()
    unread_logs: tuple[TimeWindow, ...] = ()  # of the window, where it held more lines than one answer
    store_notices: tuple[SeenLog, ...] = ()  # of databases and the like, no errors by their own words
    notices: tuple[SeenLog, ...] = ()  # warnings and the like, read where a change is looked for
    error_traces: tuple[SeenTrace, ...] = ()
    plain_traces: tuple[SeenTrace, ...] = ()
    taking_traces: tuple[SeenTrace, ...] = ()  # from queues; read where messages pile up
    slow_traces: tuple[SeenTrace, ...] = ()
    ordinary_traces: tuple[SeenTrace, ...] = ()
    last_words: tuple[LastWords, ...] = ()
    memory: tuple[MemoryUse, ...] = ()
    trends: tuple[Trend, ...] = ()  # read where nothing is wrong
    node_loads: tuple[NodeLoad, ...] = ()
    rollouts: tuple[Rollout, ...] = ()
    edits: tuple[ObjectEdit, ...] = ()
    commits: tuple[tuple[Commit, EvidenceId], ...] = ()
    pulls: tuple[tuple[PullRequest, EvidenceId], ...] = ()
    graph: CallGraph = field(default_factory=CallGraph)
    unreachable: frozenset[System] = frozenset()

    def having(self, **changes: object) -> Picture:
        return replace(self, **changes)  # type: ignore[arg-type]  # replace checks the names at run time

    def dependency(self, subject: Subject) -> Dependency | None:
        return next((one for one in self.dependencies if one.subject == subject), None)

    def known_as(self, subject: Subject) -> tuple[Dependency, ...]:
        """All that it is known as: a cloud's database that an exporter watches besides is two."""
        return tuple(one for one in self.dependencies if one.subject == subject)

    @cached_property
    def recent_traces(self) -> tuple[SeenTrace, ...]:
        """Traces of the trouble's own time, each once."""
        found = {s.trace.trace_id: s for s in (*self.slow_traces, *self.plain_traces, *self.error_traces)}
        return tuple(found[trace_id] for trace_id in sorted(found))

    def signals_of(self, kind: SignalKind) -> tuple[Signal, ...]:
        return self._signals_by_kind.get(kind, ())

    @cached_property
    def _signals_by_kind(self) -> dict[SignalKind, tuple[Signal, ...]]:
        found: dict[SignalKind, list[Signal]] = {}
        for signal in self.signals:
            found.setdefault(signal.kind, []).append(signal)
        return {kind: tuple(signals) for kind, signals in found.items()}

    def signal(self, subject: Subject, kind: SignalKind) -> Signal | None:
        return self._signal_index.get((subject, kind))

    @cached_property
    def _signal_index(self) -> dict[tuple[Subject, SignalKind], Signal]:
        return {(signal.subject, signal.kind): signal for signal in self.signals}

    def of_nodes(self, kind: NodeKind) -> tuple[NodeSeries, ...]:
        return tuple(series for series in self.node_series if series.kind == kind)

    def of_node(self, node: str, kind: NodeKind) -> tuple[NodeSeries, ...]:
        return self._node_index.get((node, kind), ())

    @cached_property
    def _node_index(self) -> dict[tuple[str, NodeKind], tuple[NodeSeries, ...]]:
        found: dict[tuple[str, NodeKind], list[NodeSeries]] = {}
        for series in self.node_series:
            found.setdefault((series.node, series.kind), []).append(series)
        return {key: tuple(series) for key, series in found.items()}

    @cached_property
    def log_groups(self) -> tuple[TemplateGroup, ...]:
        """The error lines of the window by template, counted in the baseline too. Sources are subjects in words."""
        return group(_sourced(self.logs), _sourced(self.baseline_logs))

    @cached_property
    def gone_log_groups(self) -> tuple[TemplateGroup, ...]:
        """The error lines of the baseline by template that the window does not have."""
        return tuple(g for g in group(_sourced(self.baseline_logs), _sourced(self.logs)) if not g.before)

    def evidence_of(self, *kinds: str) -> tuple[EvidenceId, ...]:
        return tuple(self.listed[kind] for kind in kinds if kind in self.listed)


def _sourced(logs: tuple[SeenLog, ...]) -> Iterator[tuple[str, LogRecord]]:
    return ((str(log.subject), log.record) for log in logs if log.subject is not None)
