"""All that was gathered, as values that rules can look at. Nothing here asks the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, TypeAlias, TypeVar

from autodevops.analysis.changepoints import FloatArray
from autodevops.domain.alert import Alert
from autodevops.domain.change import Change
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.logs import LogRecord
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import Commit, PullRequest
from autodevops.domain.trace import Trace
from autodevops.investigation.graph import CallGraph
from autodevops.investigation.inventory import Inventory
from autodevops.investigation.request import Span

Made = TypeVar("Made")

SignalKind: TypeAlias = Literal["error_ratio", "latency_p95", "request_rate", "cpu_throttling"]
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
    """A container's use of what it was given, now: 0.97 of its memory limit."""

    subject: Subject
    pod: str
    container: str
    ratio: float
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
    """The tail of a crashed container's log, oldest line first."""

    subject: Subject
    pod: str
    container: str
    lines: tuple[str, ...]
    evidence: EvidenceId


@dataclass(frozen=True)
class Rollout:
    """A change of a workload's pod template that took effect at `change.at`.

    `commit` is the source revision its annotations or image tag name, if they name one.
    `restart_only` means that nothing but a restart was asked for. `number` is the revision; `images` are the pairs
    that differ.
    """

    change: Change
    number: int
    images: tuple[tuple[str, str], ...] = ()
    differences: tuple[str, ...] = ()
    commit: str = ""
    previous_commit: str = ""
    cause: str = ""
    restart_only: bool = False
    rollback: bool = False

    @property
    def subject(self) -> Subject:
        return self.change.subject


@dataclass(frozen=True)
class Picture:
    """One investigation's world. `listed` gives the evidence of each kind of Kubernetes object."""

    span: Span
    inventory: Inventory
    listed: Mapping[str, EvidenceId] = field(default_factory=dict)
    signals: tuple[Signal, ...] = ()
    saturation: tuple[Saturation, ...] = ()
    node_series: tuple[NodeSeries, ...] = ()
    pod_signals: tuple[PodSignal, ...] = ()
    pod_memory: tuple[PodMemory, ...] = ()
    alerts: tuple[SeenAlert, ...] = ()
    certificates: tuple[SeenCertificate, ...] = ()
    logs: tuple[SeenLog, ...] = ()
    baseline_logs: tuple[SeenLog, ...] = ()
    error_traces: tuple[SeenTrace, ...] = ()
    plain_traces: tuple[SeenTrace, ...] = ()
    slow_traces: tuple[SeenTrace, ...] = ()
    ordinary_traces: tuple[SeenTrace, ...] = ()
    last_words: tuple[LastWords, ...] = ()
    rollouts: tuple[Rollout, ...] = ()
    commits: tuple[tuple[Commit, EvidenceId], ...] = ()
    pulls: tuple[tuple[PullRequest, EvidenceId], ...] = ()
    graph: CallGraph = field(default_factory=CallGraph)
    unreachable: frozenset[System] = frozenset()
    _made: dict[object, Any] = field(init=False, default_factory=dict, compare=False, repr=False)

    def once(self, make: Callable[[Picture], Made]) -> Made:
        """What `make` makes of this picture; made once, however many rules ask."""
        if make not in self._made:
            self._made[make] = make(self)
        made: Made = self._made[make]
        return made

    def having(self, **changes: object) -> Picture:
        return replace(self, **changes)  # type: ignore[arg-type]  # replace checks the names at run time

    def signals_of(self, kind: SignalKind) -> tuple[Signal, ...]:
        return tuple(signal for signal in self.signals if signal.kind == kind)

    def signal(self, subject: Subject, kind: SignalKind) -> Signal | None:
        return self._signal_index.get((subject, kind))

    @cached_property
    def _signal_index(self) -> dict[tuple[Subject, SignalKind], Signal]:
        return {(signal.subject, signal.kind): signal for signal in self.signals}

    def of_nodes(self, kind: NodeKind) -> tuple[NodeSeries, ...]:
        return tuple(series for series in self.node_series if series.kind == kind)

    def evidence_of(self, *kinds: str) -> tuple[EvidenceId, ...]:
        return tuple(self.listed[kind] for kind in kinds if kind in self.listed)
