"""What the MCP servers' tools answer: their structured output, and how the other side reads it.

Servers return these models, so a tool's output schema is generated from them; the investigation reads a
tool's answer back with `Model.model_validate(evidence.data)`. Every result says when it was cut, and how to
narrow the question.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import WithJsonSchema

from autodevops.domain.alert import Alert
from autodevops.domain.base import AsItCame, Json, Noun, UtcDatetime
from autodevops.domain.field_edit import FieldEdit
from autodevops.domain.logs import LogRecord
from autodevops.domain.series import Series
from autodevops.domain.subject import Subject
from autodevops.domain.trace import Trace

_OBJECTS = {"type": "array", "items": {"type": "object"}}


class ToolOutput(Noun):
    truncated: bool = False
    note: str = ""  # what was cut and how to ask for less


class NameList(ToolOutput):
    """Metric names, label names or label values."""

    names: tuple[str, ...]


# --- Kubernetes ---


class ResourceList(ToolOutput):
    """Objects as the API server wrote them (camelCase), without managedFields; Secret data is never included.

    Or, when a table or only some fields were asked for, `rows` of cells under `columns`, and no items.
    """

    items: Annotated[tuple[dict[str, Json], ...], AsItCame(), WithJsonSchema(_OBJECTS)] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Annotated[Json, AsItCame()], ...], ...] = ()


class ResourceResult(ToolOutput):
    resource: dict[str, Json]


class ResourceChange(ToolOutput):
    """One object after a wait: `changed` before the time was over, or not; `gone` when it is there no more."""

    changed: bool
    gone: bool = False
    resource: dict[str, Json] | None = None  # as it is now


class Changed(Noun):
    """One change of an object: `resource` is as it was then, of a deleted one as it was last."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    resource: dict[str, Json]


class ResourceChanges(ToolOutput):
    """What changed among many objects, oldest first. `resource_version` is where to go on from; `expired`: the cluster
    has forgotten the version that was asked from, and what changed since is not known."""

    resource_version: str
    expired: bool = False
    changes: tuple[Changed, ...] = ()


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


class Usage(Noun):
    """What a container or a node uses now. A node's limits are what pods can allocate on it; it requests nothing."""

    name: str  # of the pod or node
    namespace: str = ""
    container: str = ""
    cpu_cores: float
    memory_bytes: int
    cpu_request_cores: float | None = None
    cpu_limit_cores: float | None = None
    memory_request_bytes: int | None = None
    memory_limit_bytes: int | None = None


class UsageList(ToolOutput):
    """Highest use first, as measured over a window that ended at `measured_at`."""

    measured_at: UtcDatetime | None = None
    usages: tuple[Usage, ...]


class Access(Noun):
    """May I? `reason` is what the cluster's authorizer says about it, often nothing."""

    verb: str
    resource: str  # plural.group, with /subresource
    namespace: str = ""
    name: str = ""
    allowed: bool
    reason: str = ""


class AccessList(ToolOutput):
    user: str = ""  # who is asking, as the cluster knows them
    answers: tuple[Access, ...]


class Undo(Noun):
    """The call that puts back what was, or why there is none."""

    possible: bool
    tool: str = ""
    arguments: dict[str, Json] = {}
    note: str = ""


class WriteResult(ToolOutput):
    """What a write changed, or with `dry_run` would change: the cluster has checked it, and nothing is kept."""

    tool: str
    subject: Subject
    dry_run: bool
    changed: bool  # false: it was so already
    summary: str
    edits: tuple[FieldEdit, ...] = ()
    undo: Undo
    warnings: tuple[str, ...] = ()
    uid: str = ""
    resource_version: str = ""  # of the object as it is now


class DrainedPod(Noun):
    """What became of one pod of a drained node, and why."""

    namespace: str
    name: str
    outcome: Literal["gone", "leaving", "would_leave", "blocked", "stays", "refused"]
    reason: str = ""


class DrainResult(WriteResult):
    complete: bool  # no pod is left that a drain takes away
    pods: tuple[DrainedPod, ...] = ()


class LeaseResult(ToolOutput):
    """Who holds a Lease now; with `dry_run`, who would."""

    name: str
    namespace: str
    dry_run: bool
    holder: str  # empty: nobody
    held: bool  # by who asked
    seconds: int  # how long it stands for without being renewed
    transitions: int
    resource_version: str


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
    last_error: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class RuleList(ToolOutput):
    rules: tuple[Rule, ...]


class MetricMetadata(Noun):
    name: str
    type: str  # counter, gauge, histogram, gaugehistogram, summary, info, stateset, unknown
    help: str = ""
    unit: str = ""


class MetadataList(ToolOutput):
    metrics: tuple[MetricMetadata, ...]


class ScrapeTarget(Noun):
    """`health` is up, down or unknown; `last_error` says why the last scrape failed."""

    pool: str
    url: str
    health: str
    labels: dict[str, str]
    last_error: str = ""
    last_scrape: UtcDatetime | None = None  # none before the first
    scrape_seconds: float = 0.0


class TargetList(ToolOutput):
    """Targets that are not up come first."""

    targets: tuple[ScrapeTarget, ...]
    up: int
    down: int


class Silence(Noun):
    """`matchers` as Alertmanager writes them, e.g. `alertname="HighErrorRate"`."""

    silence_id: str
    state: str  # active, pending, expired
    matchers: tuple[str, ...]
    starts_at: UtcDatetime
    ends_at: UtcDatetime
    created_by: str
    comment: str


class SilenceList(ToolOutput):
    silences: tuple[Silence, ...]


class SilenceResult(ToolOutput):
    """What was done (`dry_run`: what would be), whom it mutes now, and how to take it back."""

    silence: Silence
    dry_run: bool = False
    changed: bool = True  # false: a call with the same idempotency key had made it before
    alerts: tuple[str, ...] = ()  # names of the alerts that match it now
    undo: str = ""


# --- Loki ---


class LogResult(ToolOutput):
    """Newest first, unless asked otherwise."""

    records: tuple[LogRecord, ...]


class LogTail(LogResult):
    """Oldest first, as they were written while we followed."""

    seconds: float  # how long we followed
    via: Literal["websocket", "polling"]


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


class OperationTimes(Noun):
    """What one operation at one place of a trace took: all its spans there together, in milliseconds."""

    spans: float  # a median when it stands for several traces
    duration_ms: float
    self_ms: float  # outside its children
    errors: float


class OperationChange(Noun):
    """One operation (`path`: from the root, `service operation`) here and in the baseline."""

    path: tuple[str, ...]
    change: Literal["new", "missing", "slower", "faster", "failing", "recovered", "same"]
    here: OperationTimes | None = None
    baseline: OperationTimes | None = None


class TraceComparison(ToolOutput):
    """A trace against another, or against the median of `baseline`; what changed most in self time comes first."""

    trace_id: str
    baseline: tuple[str, ...]  # trace ids
    duration_ms: float
    baseline_duration_ms: float
    errors: int
    baseline_errors: float
    operations: tuple[OperationChange, ...]


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


class Comparison(ToolOutput):
    """What `head` has that `base` has not, since `merge_base`."""

    repository: str
    base: str
    head: str
    status: str  # ahead, behind, diverged, identical
    ahead_by: int
    behind_by: int
    merge_base: str = ""
    url: str = ""
    commits: tuple[Commit, ...]
    files: tuple[FileChange, ...]


class Issue(Noun):
    repository: str
    number: int
    title: str
    body: str = ""
    author: str
    state: str  # open, closed
    labels: tuple[str, ...] = ()
    comments: int = 0
    created_at: UtcDatetime
    updated_at: UtcDatetime
    closed_at: UtcDatetime | None = None
    url: str


class IssueList(ToolOutput):
    issues: tuple[Issue, ...]


class IssueResult(ToolOutput):
    """With `dry_run` nothing was opened: the issue has number 0 and no address."""

    issue: Issue
    dry_run: bool = False
    changed: bool = True  # false: it was so already, or a call with the same idempotency key had opened it before
    undo: str = ""


class RevertResult(ToolOutput):
    """A pull request that takes one commit back. With `dry_run` it is not opened: `pull` has number 0."""

    pull: PullRequest
    reverts: str  # the commit
    branch: str
    base: str
    paths: tuple[str, ...]  # files that get back what they were
    dry_run: bool = False
    changed: bool = True  # false: it was open already
    undo: str = ""


class DocumentPullResult(ToolOutput):
    """A pull request that writes one file. With `dry_run` it is not opened: `pull` has number 0."""

    pull: PullRequest
    path: str
    branch: str
    base: str
    dry_run: bool = False
    changed: bool = True  # false: it was open already
    undo: str = ""


class PullClosedResult(ToolOutput):
    pull: PullRequest
    branch_deleted: bool
    dry_run: bool = False
    changed: bool = True


class CommentResult(ToolOutput):
    """`on` is the title of what it stands under. With `dry_run` nothing was written: id 0, and the address of that."""

    comment_id: int
    on: str = ""
    url: str
    author: str
    at: UtcDatetime
    dry_run: bool = False
    changed: bool = True  # false: a call with the same idempotency key had written it before
    undo: str = ""


class Deployment(Noun):
    """`state` is that of its newest status: success, failure, in_progress, inactive, ...; empty before the first."""

    repository: str
    deployment_id: int
    environment: str
    ref: str
    sha: str
    description: str = ""
    author: str
    created_at: UtcDatetime
    state: str = ""
    state_at: UtcDatetime | None = None
    url: str = ""  # of its log


class DeploymentList(ToolOutput):
    deployments: tuple[Deployment, ...]


class Release(Noun):
    repository: str
    tag: str
    name: str = ""
    body: str = ""
    author: str
    target: str  # branch or commit it was made from
    draft: bool = False
    prerelease: bool = False
    published_at: UtcDatetime | None = None  # none for a draft
    url: str = ""


class ReleaseList(ToolOutput):
    releases: tuple[Release, ...]


class FileResult(ToolOutput):
    """A text file's lines `first_line` and following, or a folder's entries (folders end in `/`)."""

    repository: str
    path: str
    ref: str  # as asked; empty: the default branch
    sha: str = ""  # of the blob
    text: str = ""
    first_line: int = 1
    lines: int = 0  # of the whole file
    entries: tuple[str, ...] = ()
    url: str = ""
