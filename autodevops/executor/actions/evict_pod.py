"""Evict a pod: one pod goes if its disruption budgets allow that now, and its workload makes a new one.

The gentler way for a pod that works badly, and for moving one off a node. There is no undo: a pod does not come back.
"""

from __future__ import annotations

from autodevops.domain.action import EvictPod
from autodevops.executor.pods import PodKind


class EvictPodKind(PodKind[EvictPod]):
    noun = EvictPod
    tool = "kubernetes.evict_pod"
