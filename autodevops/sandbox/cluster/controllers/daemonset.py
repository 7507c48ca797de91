"""DaemonSets: one pod on every node that fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from autodevops.sandbox.cluster.admission import Denied
from autodevops.sandbox.cluster.controllers import revisions
from autodevops.sandbox.cluster.controllers.daemonset_parts import (
    by_node,
    fitness,
    pair,
    pod_for,
    suits,
    surge_of,
    template_of,
)
from autodevops.sandbox.cluster.controllers.pods import (
    PodControl,
    available_from,
    claim,
    is_terminating,
    phase,
    ready_since,
    soonest,
)
from autodevops.sandbox.cluster.controllers.writes import Backoff, concerned, counted, reaction, replace, resolve
from autodevops.sandbox.cluster.recorder import Recorder
from autodevops.sandbox.cluster.store import Change, Json, Key, Store, key_of

_FIRST_AGAIN, _LAST_AGAIN = 1.0, 900.0  # seconds between tries on a node where daemon pods fail


class DaemonSets:
    """The loop over DaemonSets."""

    name = "daemonset"
    kinds = ("DaemonSet", "Node", "Pod")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._events = Recorder(store, "daemonset-controller")
        self._pods = PodControl(store, "daemonset-controller")
        self._backoff = Backoff()
        self._failing = Backoff(_FIRST_AGAIN, _LAST_AGAIN)
        self._not_before: dict[Key, float] = {}

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        if change.key.kind == "Node" and fitness(change.before) != fitness(
            change.object if change.type != "DELETED" else None
        ):
            keys = [key_of(one) for one in self._store.items("DaemonSet")]
            return [(key, reaction(key, change.id)) for key in keys]
        return concerned(change, "DaemonSet", "Pod")

    def reconcile(self, key: Key) -> float | None:
        item = self._store.get(*key)
        if item is None:
            self._backoff.succeeded(key)
            return None
        past = revisions.of(self._store, item)
        try:
            update = revisions.current(self._store, item, past)
        except Denied:
            return self._store.now + self._backoff.failed(key)
        suffix = update["metadata"]["labels"][revisions.LABEL]
        pods, again = self._mine(item), None
        try:
            if not is_terminating(item):
                again = self._place(item, suffix, by_node(pods))
                self._exchange(item, suffix, by_node(self._mine(item)))
        except Denied:
            self._write_status(item, suffix, self._mine(item))
            return self._store.now + self._backoff.failed(key)
        self._backoff.succeeded(key)
        soon = self._write_status(item, suffix, self._mine(item))
        alive = {pod["metadata"].get("labels", {}).get(revisions.LABEL, "") for pod in pods} | {suffix}
        prefix = f"{item['metadata']['name']}-"
        revisions.forget_old(self._store, item, past, [prefix + one for one in alive])
        return soonest(again, soon)

    def _mine(self, item: Json) -> list[Json]:
        return claim(self._store, item, item["spec"].get("selector"))

    def _place(self, item: Json, suffix: str, placed: Mapping[str, list[Json]]) -> float | None:
        """A pod where one is missing, none where none should be. Raises Denied."""
        waiting: list[float] = []
        missing: list[str] = []
        for node in self._store.items("Node"):
            name = node["metadata"]["name"]
            here, (runs, stays) = placed.get(name, []), suits(item, node)
            if runs and not here:
                missing.append(name)
            elif here and not stays:
                for pod in [one for one in here if not is_terminating(one)]:
                    self._pods.delete(item, pod)
            elif stays:
                moment = self._replace_failed(item, name, here)
                waiting += [moment] if moment is not None else []
                well = [one for one in here if phase(one) != "Failed" and not is_terminating(one)]
                of_one = [one for one in well if template_of(one) == suffix] or well
                surplus = of_one[1:] if len(well) > 1 and not surge_of(item) else []
                for pod in surplus:
                    self._pods.delete(item, pod)
        gone = [pods for name, pods in placed.items() if self._store.get("Node", "", name) is None]
        for pod in [one for pods in gone for one in pods if not is_terminating(one)]:
            self._pods.delete(item, pod)
        self._make(item, suffix, missing)
        return min(waiting, default=None)

    def _replace_failed(self, item: Json, node: str, here: Sequence[Json]) -> float | None:
        """Delete failed pods, ever more seldom; returns when to try again."""
        where = Key("DaemonSet", f"{item['metadata']['namespace']}/{item['metadata']['name']}", node)
        failed = [one for one in here if phase(one) == "Failed" and not is_terminating(one)]
        if not failed:
            return None
        if self._store.now < self._not_before.get(where, 0.0):
            return self._not_before[where]
        self._not_before[where] = self._store.now + self._failing.failed(where)
        for pod in failed:
            name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            said = f"Found failed daemon pod {name} on node {node}, will try to kill it"
            self._events.warning(item, "FailedDaemonPod", said)
            self._pods.delete(item, pod)
        return None

    def _make(self, item: Json, suffix: str, nodes: Sequence[str]) -> None:
        self._pods.create_many(item, [lambda node=node: pod_for(item, suffix, node) for node in nodes])  # type: ignore[misc]

    def _exchange(self, item: Json, suffix: str, placed: Mapping[str, list[Json]]) -> None:
        """Give pods of an old template up, as many at a time as may be unavailable. Raises Denied."""
        strategy = item["spec"].get("updateStrategy") or {}
        if strategy.get("type", "RollingUpdate") != "RollingUpdate":
            return
        wanted = [node["metadata"]["name"] for node in self._store.items("Node") if suits(item, node)[0]]
        surge = surge_of(item)
        limit = resolve((strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1), len(wanted), up=True)
        pairs = [pair(placed.get(node, ()), suffix) for node in wanted]
        if surge:
            self._surge(item, suffix, wanted, pairs, resolve(surge, len(wanted), up=True))
            return
        away, at_once, later = 0, list[Json](), list[Json]()
        for new, old in pairs:
            if (new is None) == (old is None):
                away += 1
            elif new is not None:
                away += not self._is_available(item, new)
            elif old is not None and not self._is_available(item, old):
                away += 1
                at_once += [old] if not is_terminating(old) else []
            elif old is not None:
                later.append(old)
        for pod in [*at_once, *later[: max(limit - away, 0)]]:
            self._pods.delete(item, pod)

    def _surge(
        self,
        item: Json,
        suffix: str,
        nodes: Sequence[str],
        pairs: Sequence[tuple[Json | None, Json | None]],
        limit: int,
    ) -> None:
        """Start the new pod beside the old one and let the old one go when the new one is available."""
        extra, at_once, later = 0, list[str](), list[str]()
        for node, (new, old) in zip(nodes, pairs, strict=True):
            if old is None:
                continue
            if new is None:
                (later if self._is_available(item, old) else at_once).append(node)
            elif self._is_available(item, new):
                if not is_terminating(old):
                    self._pods.delete(item, old)
            else:
                extra += 1
        self._make(item, suffix, [*at_once, *later[: max(limit - extra, 0)]])

    def _is_available(self, item: Json, pod: Json) -> bool:
        moment = available_from(pod, item["spec"].get("minReadySeconds", 0))
        return not is_terminating(pod) and moment is not None and moment <= self._store.now

    def _write_status(self, item: Json, suffix: str, pods: Sequence[Json]) -> float | None:
        desired = scheduled = ready = updated = available = misplaced = 0
        placed = by_node(pods)
        for node in self._store.items("Node"):
            here = placed.get(node["metadata"]["name"], [])
            if not suits(item, node)[0]:
                misplaced += bool(here)
                continue
            desired += 1
            if not here:
                continue
            scheduled += 1
            oldest = min(here, key=lambda one: str(one["metadata"]["creationTimestamp"]))
            ready += ready_since(oldest) is not None
            available += self._is_available(item, oldest)
            updated += template_of(oldest) == suffix
        status = {
            "currentNumberScheduled": scheduled,
            "numberMisscheduled": misplaced,
            "desiredNumberScheduled": desired,
            "numberReady": ready,
            **counted(
                observedGeneration=item["metadata"].get("generation", 1),
                updatedNumberScheduled=updated,
                numberAvailable=available,
                numberUnavailable=desired - available,
            ),
        }
        if status != item.get("status"):
            replace(self._store, item, status=status)
        moments = [available_from(pod, item["spec"].get("minReadySeconds", 0)) for pod in pods]
        return min((moment for moment in moments if moment is not None and moment > self._store.now), default=None)
