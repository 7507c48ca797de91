"""All that was gathered, as values that rules can look at. Nothing here asks the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Literal, TypeAlias

from autodevops.analysis.samples import FloatArray
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

SignalKind: TypeAlias = Literal["error_ratio", "latency_p95", "request_rate", "cpu_throttling"]
System: TypeAlias = Literal["kubernetes", "prometheus", "loki", "tempo", "github"]


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

    def having(self, **changes: object) -> Picture:
        return replace(self, **changes)  # type: ignore[arg-type]  # replace checks the names at run time

    def signals_of(self, kind: SignalKind) -> tuple[Signal, ...]:
        return tuple(signal for signal in self.signals if signal.kind == kind)

    def signal(self, subject: Subject, kind: SignalKind) -> Signal | None:
        return self._signal_index.get((subject, kind))

    @cached_property
    def _signal_index(self) -> dict[tuple[Subject, SignalKind], Signal]:
        return {(signal.subject, signal.kind): signal for signal in self.signals}

    def evidence_of(self, *kinds: str) -> tuple[EvidenceId, ...]:
        return tuple(self.listed[kind] for kind in kinds if kind in self.listed)
