"""Delete a pod: one pod goes, and its workload makes a new one. The cluster's disruption budgets are not asked.

For a pod that is stuck: it hangs, or lies on a node that does not answer. Budgets count all the same, by the guardrail
of that name. There is no undo: a pod does not come back.
"""

from __future__ import annotations

from autodevops.domain.action import DeletePod
from autodevops.executor.pods import PodKind


class DeletePodKind(PodKind[DeletePod]):
    noun = DeletePod
    tool = "kubernetes.delete_pod"
