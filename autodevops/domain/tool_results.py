"""What the MCP servers' tools answer: their structured output, and how the other side reads it.

Servers return these models, so a tool's output schema is generated from them; the investigation reads a
tool's answer back with `Model.model_validate(evidence.data)`. Every result says when it was cut, and how to
narrow the question.
"""

from __future__ import annotations

from typing import Literal

from autodevops.domain.alert import Alert
from autodevops.domain.base import Json, Noun, UtcDatetime
from autodevops.domain.logs import LogRecord
from autodevops.domain.series import Series
from autodevops.domain.trace import Trace


class ToolOutput(Noun):
    truncated: bool = False
    note: str = ""  # what was cut and how to ask for less


class NameList(ToolOutput):
    """Metric names, label names or label values."""

    names: tuple[str, ...]


# --- Kubernetes ---


class ResourceList(ToolOutput):
    """Objects as the API server wrote them (camelCase), without managedFields; Secret data is never included."""

    items: tuple[dict[str, Json], ...]


class ResourceResult(ToolOutput):
    resource: dict[str, Json]


class ApiResource(Noun):
    kind: str
    name: str  # plural, as in a URL
    api_version: str
    namespaced: bool
    verbs: tuple[str, ...] = ()


class ApiResourceList(ToolOutput):
    resources: tuple[ApiResource, ...]


class PodLogs(ToolOutput):
    lines: tuple[str, ...]


class Revision(Noun):
    revision: int
    created_at: UtcDatetime
    owner: str  # the ReplicaSet or ControllerRevision that carries it
    images: dict[str, str]  # container -> image
    replicas: int = 0
    ready_replicas: int = 0
    change_cause: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    template: dict[str, Json] = {}  # the pod template, for a diff


class RolloutHistory(ToolOutput):
    """Revisions of one workload, newest first."""

    kind: str
    namespace: str
    name: str
    revisions: tuple[Revision, ...]


class ClusterContext(ToolOutput):
    """Which cluster is asked. `namespace` is the kubeconfig context's, or `default`."""

    context: str
    cluster: str
    server: str
    namespace: str


# --- Prometheus and Alertmanager ---


class SeriesResult(ToolOutput):
    """`result_type` as Prometheus names it. A vector has one sample a series, a scalar one series without labels."""

    result_type: Literal["matrix", "vector", "scalar", "string"]
    series: tuple[Series, ...]
    warnings: tuple[str, ...] = ()


class LabelSets(ToolOutput):
    series: tuple[dict[str, str], ...]


class AlertList(ToolOutput):
    alerts: tuple[Alert, ...]


class AlertGroup(Noun):
    labels: dict[str, str]
    receiver: str
    alerts: tuple[Alert, ...]


class AlertGroupList(ToolOutput):
    groups: tuple[AlertGroup, ...]


class Rule(Noun):
    group: str
    name: str
    type: Literal["alerting", "recording"]
    query: str
    for_seconds: float = 0.0
    state: str = ""
    health: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class RuleList(ToolOutput):
    rules: tuple[Rule, ...]


# --- Loki ---


class LogResult(ToolOutput):
    """Newest first, unless asked otherwise."""

    records: tuple[LogRecord, ...]


# --- Tempo ---


class TraceSummary(Noun):
    trace_id: str
    root_service: str = ""
    root_name: str = ""
    start: UtcDatetime
    duration_ms: float


class TraceList(ToolOutput):
    traces: tuple[TraceSummary, ...]


class TraceResult(ToolOutput):
    trace: Trace


# --- GitHub ---


class FileChange(Noun):
    path: str
    status: str  # added, modified, removed, renamed
    additions: int = 0
    deletions: int = 0
    patch: str = ""  # unified diff, cut when large


class Commit(Noun):
    repository: str  # owner/name
    sha: str
    message: str
    author: str
    at: UtcDatetime
    url: str
    files: tuple[FileChange, ...] = ()  # filled by get_commit only


class CommitList(ToolOutput):
    commits: tuple[Commit, ...]


class CommitResult(ToolOutput):
    commit: Commit


class PullRequest(Noun):
    repository: str
    number: int
    title: str
    body: str = ""
    author: str
    state: str  # open, closed
    merged_at: UtcDatetime | None = None
    merge_commit_sha: str = ""
    url: str
    files: tuple[FileChange, ...] = ()  # filled by get_pull only


class PullRequestList(ToolOutput):
    pulls: tuple[PullRequest, ...]


class PullRequestResult(ToolOutput):
    pull: PullRequest
