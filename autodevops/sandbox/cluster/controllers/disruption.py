"""PodDisruptionBudgets: how many pods may be away, and whether one more may be evicted.

The loop keeps the status; `may_evict` is what the eviction subresource of the API server asks before it deletes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autodevops.sandbox.basics.moments import parse_rfc3339, rfc3339
from autodevops.sandbox.cluster.admission import Denied
from autodevops.sandbox.cluster.controllers.pods import is_terminating, phase
from autodevops.sandbox.cluster.controllers.writes import reaction, replace, resolve
from autodevops.sandbox.cluster.kinds import KINDS
from autodevops.sandbox.cluster.meta import condition_of, controller_of, is_ready, matches, set_condition
from autodevops.sandbox.cluster.recorder import Recorder
from autodevops.sandbox.cluster.store import Change, Json, Key, Store, key_of

_KEPT_IN_MIND = 120.0  # seconds an eviction counts although its pod is still there
_SCALED = ("Deployment", "ReplicaSet", "ReplicationController", "StatefulSet")


class EvictionDenied(Denied):
    """No to an eviction. `causes` are the details' causes, `retry_after` (s) is what Retry-After says; 0: nothing."""

    def __init__(self, causes: Sequence[Json], retry_after: int) -> None:
        message = "Cannot evict pod as it would violate the pod's disruption budget."
        super().__init__(429, "TooManyRequests", message)
        self.causes, self.retry_after = causes, retry_after


class DisruptionBudgets:
    """The loop over PodDisruptionBudgets."""

    name = "disruption"
    kinds = ("PodDisruptionBudget", "Pod", *_SCALED)

    def __init__(self, store: Store) -> None:
        self._store = store
        self._events = Recorder(store, "controllermanager")

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        kind = change.key.kind
        if kind == "PodDisruptionBudget":
            return [(change.key, reaction(change.key, change.id))]
        budgets = self._store.items("PodDisruptionBudget", change.key.namespace) if change.key.namespace else []
        if kind == "Pod":
            objects = [one for one in (change.object, change.before) if one is not None]
            budgets = [one for one in budgets if any(_selects(one, pod) for pod in objects)]
        elif kind not in _SCALED or change.before is None or _scale(change.object) == _scale(change.before):
            return []
        return [(key_of(one), reaction(key_of(one), change.id)) for one in budgets]

    def reconcile(self, key: Key) -> float | None:
        item = self._store.get(*key)
        if item is None:
            return None
        pods = [pod for pod in self._store.items("Pod", key.namespace) if _selects(item, pod)]
        if not pods:
            self._events.normal(item, "NoPods", "No matching pods found")
        before = item.get("status", {})
        conditions: list[Json] = [dict(one) for one in before.get("conditions", ())]
        generation = item["metadata"].get("generation", 1)
        try:
            expected, desired = self._expected(item, pods)
        except ValueError as error:
            said = f"Failed to calculate the number of expected pods: {error}"
            self._events.warning(item, "CalculateExpectedPodCountFailed", said)
            _allow(conditions, 0, self._store.now, generation, failure=str(error))
            self._write(item, {**before, "disruptionsAllowed": 0, "conditions": conditions})
            return None
        disrupted = self._still_going(pods, before.get("disruptedPods") or {})
        here = [pod for pod in pods if not is_terminating(pod) and pod["metadata"]["name"] not in disrupted]
        healthy = sum(is_ready(pod) for pod in here)
        allowed = max(healthy - desired, 0) if expected > 0 else 0
        _allow(conditions, allowed, self._store.now, generation)
        status = {
            "observedGeneration": generation,
            **({"disruptedPods": disrupted} if disrupted else {}),
            "disruptionsAllowed": allowed,
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": expected,
            "conditions": conditions,
        }
        self._write(item, status)
        return min((parse_rfc3339(one) + _KEPT_IN_MIND + 1.0 for one in disrupted.values()), default=None)

    def _write(self, item: Json, status: Json) -> None:
        if status != item.get("status"):
            replace(self._store, item, status=status)

    def _still_going(self, pods: Sequence[Json], disrupted: Json) -> Json:
        now = self._store.now
        names = [pod["metadata"]["name"] for pod in pods if not is_terminating(pod)]
        fresh = [name for name in names if name in disrupted and parse_rfc3339(disrupted[name]) + _KEPT_IN_MIND >= now]
        return {name: disrupted[name] for name in fresh}

    def _expected(self, item: Json, pods: Sequence[Json]) -> tuple[int, int]:
        """How many pods there should be, and how many of them healthy. Raises ValueError."""
        least, most = item["spec"].get("minAvailable"), item["spec"].get("maxUnavailable")
        if most is not None:
            total = self._total_scale(item, pods)
            return total, max(total - resolve(most, total, up=True), 0)
        if isinstance(least, str):
            total = self._total_scale(item, pods)
            return total, resolve(least, total, up=True)
        return len(pods), int(least or 0)

    def _total_scale(self, item: Json, pods: Sequence[Json]) -> int:
        """The sum of what the pods' controllers ask for. Raises ValueError."""
        scales: dict[str, int] = {}
        unmanaged = False
        for pod in pods:
            reference = controller_of(pod)
            if reference is None:
                unmanaged = True
                continue
            owner = self._top(pod, reference)
            if owner is None:
                raise ValueError(f'found no controllers for pod "{pod["metadata"]["name"]}"')
            scales[owner["metadata"]["uid"]] = _scale(owner)
        if unmanaged:
            self._events.warning(
                item,
                "UnmanagedPods",
                f"Pods selected by this PodDisruptionBudget (selector: {_words(item)}) were found to be unmanaged. "
                "As a result, the status of the PDB cannot be calculated correctly, which may result in undefined "
                'behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer '
                "value.",
            )
        return sum(scales.values())

    def _top(self, pod: Json, reference: Json) -> Json | None:
        """The controller whose scale counts: a Deployment rather than its ReplicaSet."""
        found, namespace = None, pod["metadata"]["namespace"]
        while reference["kind"] in KINDS and reference["kind"] in _SCALED:
            owner = self._store.get(reference["kind"], namespace, reference["name"])
            if owner is None or owner["metadata"]["uid"] != reference["uid"]:
                break
            found, above = owner, controller_of(owner)
            if above is None:
                break
            reference = above
        return found


def may_evict(store: Store, pod: Json, *, dry_run: bool = False) -> Denied | None:
    """Whether an eviction may delete the pod now. A yes is noted in the budget, so that it is used up."""
    if is_terminating(pod) or phase(pod) in ("Succeeded", "Failed", "Pending"):
        return None
    budgets = [one for one in store.items("PodDisruptionBudget", pod["metadata"]["namespace"]) if _selects(one, pod)]
    if len(budgets) > 1:
        message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        return Denied(500, "InternalError", message)
    if not budgets:
        return None
    budget = budgets[0]
    name, status = budget["metadata"]["name"], budget.get("status", {})
    if not is_ready(pod):
        lenient = budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow"
        healthy, desired = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
        if lenient or (desired > 0 and healthy >= desired):
            return None
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 1):
        return _no(f"The disruption budget {name} is still being processed by the server.", 10)
    allowed = status.get("disruptionsAllowed", 0)
    if allowed <= 0:
        needs, has = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
        return _no(f"The disruption budget {name} needs {needs} healthy pods and has {has} currently", 0)
    if not dry_run:
        disrupted = {**status.get("disruptedPods", {}), pod["metadata"]["name"]: rfc3339(store.now)}
        replace(store, budget, status={**status, "disruptionsAllowed": allowed - 1, "disruptedPods": disrupted})
    return None


def _no(cause: str, retry_after: int) -> EvictionDenied:
    return EvictionDenied([{"reason": "DisruptionBudget", "message": cause}], retry_after)


def _selects(budget: Json, pod: Json) -> bool:
    """In policy/v1 an empty selector selects all pods of the namespace."""
    same = budget["metadata"]["namespace"] == pod["metadata"].get("namespace")
    return same and matches(budget["spec"].get("selector"), pod["metadata"].get("labels") or {})


def _scale(item: Json) -> int:
    return int(item["spec"].get("replicas", 1))


def _words(budget: Json) -> str:
    """The selector as Go prints a LabelSelector with %v."""
    labels = (budget["spec"].get("selector") or {}).get("matchLabels") or {}
    pairs = "".join(f"{name}: {value}," for name, value in sorted(labels.items()))
    rest = "MatchExpressions:[]LabelSelectorRequirement{}"
    return f"&LabelSelector{{MatchLabels:map[string]string{{{pairs}}},{rest},}}"


def _allow(conditions: list[Json], allowed: int, at: float, generation: int, failure: str = "") -> None:
    reason = "SyncFailed" if failure else "SufficientPods" if allowed > 0 else "InsufficientPods"
    status = "True" if allowed > 0 and not failure else "False"
    set_condition(conditions, "DisruptionAllowed", status, at, reason, failure, observedGeneration=generation)
    found = condition_of({"status": {"conditions": conditions}}, "DisruptionAllowed")
    if found is not None:
        found.setdefault("message", "")
