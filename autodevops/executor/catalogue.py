"""Which kinds of actions there are. One that is not listed here cannot be done."""

from __future__ import annotations

from autodevops.executor.actions.adjust_autoscaler import AdjustAutoscalerKind
from autodevops.executor.actions.annotate_incident import AnnotateIncidentKind
from autodevops.executor.actions.clean_jobs import CleanJobsKind
from autodevops.executor.actions.cordon_node import CordonNodeKind
from autodevops.executor.actions.delete_pod import DeletePodKind
from autodevops.executor.actions.drain_node import DrainNodeKind
from autodevops.executor.actions.evict_pod import EvictPodKind
from autodevops.executor.actions.open_document_pull import OpenDocumentPullKind
from autodevops.executor.actions.open_issue import OpenIssueKind
from autodevops.executor.actions.open_revert_pull import OpenRevertPullKind
from autodevops.executor.actions.patch_env import PatchEnvKind
from autodevops.executor.actions.patch_image import PatchImageKind
from autodevops.executor.actions.patch_probe import PatchProbeKind
from autodevops.executor.actions.patch_resources import PatchResourcesKind
from autodevops.executor.actions.restart_workload import RestartWorkloadKind
from autodevops.executor.actions.rollback_workload import RollbackWorkloadKind
from autodevops.executor.actions.run_runbook import RunRunbookKind
from autodevops.executor.actions.scale_workload import ScaleWorkloadKind
from autodevops.executor.actions.silence_alert import SilenceAlertKind
from autodevops.executor.actions.uncordon_node import UncordonNodeKind
from autodevops.executor.kinds import AnyKind

_ALL: tuple[AnyKind, ...] = (
    RestartWorkloadKind(),
    RollbackWorkloadKind(),
    ScaleWorkloadKind(),
    PatchResourcesKind(),
    PatchProbeKind(),
    PatchImageKind(),
    PatchEnvKind(),
    AdjustAutoscalerKind(),
    DeletePodKind(),
    EvictPodKind(),
    CordonNodeKind(),
    UncordonNodeKind(),
    DrainNodeKind(),
    CleanJobsKind(),
    SilenceAlertKind(),
    OpenIssueKind(),
    OpenRevertPullKind(),
    OpenDocumentPullKind(),
    AnnotateIncidentKind(),
    RunRunbookKind(),
)

KINDS: dict[str, AnyKind] = {kind.noun.model_fields["kind"].default: kind for kind in _ALL}
