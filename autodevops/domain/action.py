"""What may be done to the world: a closed list of typed actions. There is no shell and no free patch.

Every field that is written is declared here, with its bounds. What an action of a kind risks, reads and does, and how
it is taken back, is `autodevops.executor.kinds`'.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from autodevops.domain.base import Noun
from autodevops.domain.subject import Subject

WorkloadKind = Literal["Deployment", "StatefulSet", "DaemonSet"]
ScaledKind = Literal["Deployment", "StatefulSet"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")]
Cpu = Annotated[str, Field(pattern=r"^([1-9][0-9]{0,3}|[1-9][0-9]{0,5}m)$", description="cores: 2 or 500m")]
Memory = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,5}(Mi|Gi)$", description="512Mi or 2Gi")]
PortName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$")]
LabelName = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")]
Repository = Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$", max_length=200)]
Line = Annotated[str, Field(pattern=r"^[^\r\n]*[^\s][^\r\n]*$", max_length=250)]


class _OnWorkload(Noun):
    workload: WorkloadKind
    namespace: Name
    name: Name

    @property
    def subject(self) -> Subject:
        return Subject(kind=self.workload, name=self.name, namespace=self.namespace, api_version="apps/v1")


class _OnContainer(_OnWorkload):
    container: Name


class _OnPod(Noun):
    namespace: Name
    name: Name

    @property
    def subject(self) -> Subject:
        return Subject(kind="Pod", name=self.name, namespace=self.namespace, api_version="v1")


class _OnNode(Noun):
    name: Name

    @property
    def subject(self) -> Subject:
        return Subject(kind="Node", name=self.name, api_version="v1")


class _InRepository(Noun):
    repository: Repository

    @property
    def subject(self) -> Subject:
        return Subject(kind="Repository", name=self.repository, api_version="github.com")


class RestartWorkload(_OnWorkload):
    """Replace every pod of a workload by its own rollout; the template stays as it is."""

    kind: Literal["restart_workload"] = "restart_workload"


class ScaleWorkload(_OnWorkload):
    """Give a workload so many pods. Zero is not a size that serves anybody."""

    kind: Literal["scale_workload"] = "scale_workload"
    workload: ScaledKind
    replicas: Annotated[int, Field(ge=1, le=1000)]


class RollbackWorkload(_OnWorkload):
    """Give a workload the pod template of an earlier revision, which is named: it has to be one that ran well."""

    kind: Literal["rollback_workload"] = "rollback_workload"
    to_revision: Annotated[int, Field(ge=1)]


class PatchResources(_OnContainer):
    """Other requests or limits for one container of a workload. What is not given stays as it is."""

    kind: Literal["patch_resources"] = "patch_resources"
    cpu_request: Cpu | None = None
    cpu_limit: Cpu | None = None
    memory_request: Memory | None = None
    memory_limit: Memory | None = None


class PatchProbe(_OnContainer):
    """Other times, path or port for a probe that one container of a workload has. What is not given stays as it is."""

    kind: Literal["patch_probe"] = "patch_probe"
    probe: Literal["liveness", "readiness", "startup"]
    initial_delay_seconds: Annotated[int, Field(ge=0, le=3600)] | None = None
    period_seconds: Annotated[int, Field(ge=1, le=600)] | None = None
    timeout_seconds: Annotated[int, Field(ge=1, le=300)] | None = None
    failure_threshold: Annotated[int, Field(ge=1, le=100)] | None = None
    http_path: Annotated[str, Field(pattern=r"^/[!-~]{0,500}$")] | None = None
    http_port: Annotated[int, Field(ge=1, le=65_535)] | PortName | None = None


class PatchImage(_OnContainer):
    """Another image for one container of a workload, by a tag that says which, or by digest."""

    kind: Literal["patch_image"] = "patch_image"
    image: Annotated[str, Field(pattern=r"^[\w][\w./:-]*(:[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})$", max_length=500)]


class PatchEnv(_OnContainer):
    """Another value for one environment variable that a container of a workload has as plain text."""

    kind: Literal["patch_env"] = "patch_env"
    variable: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,200}$")]
    value: Annotated[str, Field(max_length=4000)]


class AdjustAutoscaler(Noun):
    """Other bounds for a HorizontalPodAutoscaler. What is not given stays as it is."""

    kind: Literal["adjust_autoscaler"] = "adjust_autoscaler"
    namespace: Name
    name: Name
    min_replicas: Annotated[int, Field(ge=1, le=1000)] | None = None
    max_replicas: Annotated[int, Field(ge=1, le=1000)] | None = None

    @property
    def subject(self) -> Subject:
        return Subject(
            kind="HorizontalPodAutoscaler", name=self.name, namespace=self.namespace, api_version="autoscaling/v2"
        )


class DeletePod(_OnPod):
    """Delete one pod, so that its controller makes a new one. Asks no disruption budget of the cluster's."""

    kind: Literal["delete_pod"] = "delete_pod"


class EvictPod(_OnPod):
    """Take one pod away if its disruption budgets allow it, so that its controller makes a new one."""

    kind: Literal["evict_pod"] = "evict_pod"


class CordonNode(_OnNode):
    """Place no new pods on a node; those on it stay."""

    kind: Literal["cordon_node"] = "cordon_node"


class UncordonNode(_OnNode):
    """Place new pods on a node again."""

    kind: Literal["uncordon_node"] = "uncordon_node"


class DrainNode(_OnNode):
    """Cordon a node and evict its pods, as far as their disruption budgets allow it. None may lose data."""

    kind: Literal["drain_node"] = "drain_node"


class CleanJobs(Noun):
    """Delete the Jobs of one CronJob that ended long enough ago, with their pods; its newest ones stay."""

    kind: Literal["clean_jobs"] = "clean_jobs"
    namespace: Name
    cron_job: Name
    ended_before_minutes: Annotated[int, Field(ge=5, le=525_600)] = 60
    keep_newest: Annotated[int, Field(ge=1, le=100)] = 1

    @property
    def subject(self) -> Subject:
        return Subject(kind="CronJob", name=self.cron_job, namespace=self.namespace, api_version="batch/v1")


class SilenceAlert(Noun):
    """Mute one alert for a bounded time; every label is matched exactly, the alert's name among them."""

    kind: Literal["silence_alert"] = "silence_alert"
    alert: Annotated[str, Field(pattern=r"^[A-Za-z_:][\w:]{0,200}$")]
    labels: Annotated[dict[LabelName, Annotated[str, Field(min_length=1, max_length=500)]], Field(min_length=1)]
    minutes: Annotated[int, Field(ge=1, le=480)]  # a shift; whoever needs longer decides anew
    reason: Line

    @property
    def subject(self) -> Subject:
        return Subject(kind="Alert", name=self.alert, namespace=self.labels.get("namespace", ""))


class OpenIssue(_InRepository):
    """Open an issue in a repository that is watched, e.g. an action item."""

    kind: Literal["open_issue"] = "open_issue"
    title: Line
    body: Annotated[str, Field(max_length=20_000)] = ""
    labels: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=50)], ...], Field(max_length=10)] = ()


class OpenRevertPull(_InRepository):
    """Open a pull request that takes one commit back. Merging it is left to people."""

    kind: Literal["open_revert_pull"] = "open_revert_pull"
    sha: Annotated[str, Field(pattern=r"^[0-9a-f]{7,64}$")]
    reason: Annotated[str, Field(max_length=20_000)] = ""


class OpenDocumentPull(_InRepository):
    """Open a pull request that adds one Markdown file, e.g. a postmortem. Merging it is left to people."""

    kind: Literal["open_document_pull"] = "open_document_pull"
    path: Annotated[str, Field(pattern=r"^[\w-][\w.-]*(/[\w-][\w.-]*)*\.md$", max_length=200)]
    title: Line
    text: Annotated[str, Field(min_length=1, max_length=200_000)]


class AnnotateIncident(Noun):
    """Write what was found or done under the issue that an incident is followed in."""

    kind: Literal["annotate_incident"] = "annotate_incident"
    repository: Repository
    number: Annotated[int, Field(ge=1)]
    text: Annotated[str, Field(min_length=1, max_length=20_000)]

    @property
    def subject(self) -> Subject:
        return Subject(kind="Issue", name=f"{self.repository}#{self.number}", api_version="github.com")


class RunRunbook(Noun):
    """Run a runbook by its name, as a run of its own; the yes to this is one to its cells tagged `action` as well."""

    kind: Literal["run_runbook"] = "run_runbook"
    runbook: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]
    parameters: dict[str, str | int | float | bool] = {}

    @property
    def subject(self) -> Subject:
        return Subject(kind="Runbook", name=self.runbook)


class RunCell(Noun):
    """Let one cell of a running runbook be given to its kernel. The runbook asks for it, and nobody else can."""

    kind: Literal["run_cell"] = "run_cell"
    runbook: str
    run_id: str
    cell: int
    digest: str  # of its source

    @property
    def subject(self) -> Subject:
        return Subject(kind="Runbook", name=self.runbook)


Action = Annotated[
    RestartWorkload
    | ScaleWorkload
    | RollbackWorkload
    | PatchResources
    | PatchProbe
    | PatchImage
    | PatchEnv
    | AdjustAutoscaler
    | DeletePod
    | EvictPod
    | CordonNode
    | UncordonNode
    | DrainNode
    | CleanJobs
    | SilenceAlert
    | OpenIssue
    | OpenRevertPull
    | OpenDocumentPull
    | AnnotateIncident
    | RunRunbook
    | RunCell,
    Field(discriminator="kind"),
]

ACTION: TypeAdapter[Action] = TypeAdapter(Action)
"""Reads an action from JSON: `ACTION.validate_python({"kind": "restart_workload", ...})`."""


def practice_of(action: Action) -> str:
    """What permissions are earned with: a kind of action, and of runbooks each by itself."""
    return f"{action.kind} {action.runbook}" if isinstance(action, RunRunbook) else action.kind
