"""The cluster as its neighbours see it: let time pass, read, write.

The same surroundings and the same writes at the same moments give the same cluster, bit for bit, however often and
how far somebody lets time pass in between.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from autodevops.sandbox.cluster.controllers.autoscaler import Autoscalers
from autodevops.sandbox.cluster.controllers.cronjob import CronJobs
from autodevops.sandbox.cluster.controllers.daemonset import DaemonSets
from autodevops.sandbox.cluster.controllers.deployment import Deployments
from autodevops.sandbox.cluster.controllers.disruption import DisruptionBudgets
from autodevops.sandbox.cluster.controllers.endpoints import EndpointsController
from autodevops.sandbox.cluster.controllers.endpoints_mirror import EndpointsMirror
from autodevops.sandbox.cluster.controllers.garbage import GarbageCollector
from autodevops.sandbox.cluster.controllers.job import Jobs
from autodevops.sandbox.cluster.controllers.load_balancers import LoadBalancers
from autodevops.sandbox.cluster.controllers.manager import Managed
from autodevops.sandbox.cluster.controllers.namespaces import Namespaces
from autodevops.sandbox.cluster.controllers.node_lifecycle import NodeLifecycle
from autodevops.sandbox.cluster.controllers.pod_gc import PodGarbage
from autodevops.sandbox.cluster.controllers.quota import QuotaController
from autodevops.sandbox.cluster.controllers.replicaset import ReplicaSets
from autodevops.sandbox.cluster.controllers.service_account import ServiceAccountController
from autodevops.sandbox.cluster.controllers.statefulset import StatefulSets
from autodevops.sandbox.cluster.engine import Controller, Engine
from autodevops.sandbox.cluster.kubelet import Kubelet
from autodevops.sandbox.cluster.provisioning import Provisioner
from autodevops.sandbox.cluster.scheduling.scheduler import Scheduler
from autodevops.sandbox.cluster.store import Key, Store
from autodevops.sandbox.cluster.surroundings import Surroundings
from autodevops.sandbox.cluster.volumes import VolumeBinder, VolumeProtection


class Cluster:
    """A cluster, empty at `start` (epoch seconds). Hold `lock` over a read that must not see half a write."""

    def __init__(self, surroundings: Surroundings, start: float) -> None:
        self.surroundings = surroundings
        self.store = Store(start)
        self.engine = Engine(self.store)
        self.lock = threading.RLock()
        self.engine.add(_controllers(self.store, surroundings))
        for moment in surroundings.turning_points():
            self.engine.at(moment, self._look_at_nodes)

    def advance(self, to: float) -> None:
        """Let time pass until `to` (epoch seconds); an earlier moment changes nothing."""
        with self.lock:
            self.engine.run_until(to)

    def at(self, moment: float, action: Callable[[Store], object]) -> None:
        """Do something to the store at a moment to come."""
        with self.lock:
            self.engine.at(moment, lambda: action(self.store))

    def _look_at_nodes(self) -> None:
        for node in self.store.items("Node"):
            for controller in self._node_watchers:
                self.engine.wake(controller, Key("Node", "", node["metadata"]["name"]), self.store.now)

    @property
    def _node_watchers(self) -> Sequence[Controller]:
        return [one for one in self.engine.controllers if one.name in ("kubelet", "node-lifecycle")]


def _controllers(store: Store, surroundings: Surroundings) -> list[Controller]:
    managed: list[Controller] = [
        Deployments(store),
        ReplicaSets(store),
        ReplicaSets(store, "ReplicationController"),
        StatefulSets(store),
        DaemonSets(store),
        Jobs(store),
        CronJobs(store),
        GarbageCollector(store),
        Namespaces(store),
        DisruptionBudgets(store),
        PodGarbage(store),
        Autoscalers(store, surroundings),
    ]
    return [
        *(Managed(loop, store, surroundings) for loop in managed),
        NodeLifecycle(store, surroundings),
        Kubelet(store, surroundings),
        Scheduler(store, surroundings),
        VolumeBinder(store, surroundings),
        VolumeProtection(store, surroundings),
        Provisioner(store, surroundings),
        ServiceAccountController(store, surroundings),
        QuotaController(store, surroundings),
        EndpointsController(store, surroundings),
        EndpointsMirror(store, surroundings),
        LoadBalancers(store, surroundings),
    ]
