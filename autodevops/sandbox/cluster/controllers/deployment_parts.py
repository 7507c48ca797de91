"""The arithmetic and the words of a Deployment: how many pods where, which ReplicaSet is the new one, what its status
says. Free functions; `deployment` does the writing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

from autodevops.sandbox.basics.hashing import number
from autodevops.sandbox.basics.moments import parse_rfc3339, rfc3339
from autodevops.sandbox.cluster.controllers.writes import counted, resolve, without
from autodevops.sandbox.cluster.meta import condition_of
from autodevops.sandbox.cluster.store import Json

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = (
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MAXIMUM,
    "deprecated.deployment.rollback.to",
)
_DEADLINE, _NO_DEADLINE = 600, 2**31 - 1  # seconds: the API's default, and the number that stands for none
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def replicas(item: Json) -> int:
    """How many are asked for."""
    return int(item["spec"].get("replicas", 1))


def asked(sets: Sequence[Json]) -> int:
    return sum(replicas(one) for one in sets)


def counted_in(sets: Sequence[Json], field: str) -> int:
    """The sum of a number of their statuses."""
    return sum(int(one.get("status", {}).get(field, 0)) for one in sets)


def is_rolling(deployment: Json) -> bool:
    return bool((deployment["spec"].get("strategy") or {}).get("type", "RollingUpdate") == "RollingUpdate")


def surge_and_unavailable(deployment: Json) -> tuple[int, int]:
    """maxSurge rounded up and maxUnavailable rounded down, as pods; never both zero."""
    total = replicas(deployment)
    if not is_rolling(deployment):
        return 0, 0
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    surge = resolve(rolling.get("maxSurge", "25%"), total, up=True)
    unavailable = resolve(rolling.get("maxUnavailable", "25%"), total, up=False)
    return (0, 1) if surge == unavailable == 0 else (surge, unavailable)


def most_unavailable(deployment: Json) -> int:
    total = replicas(deployment)
    return min(surge_and_unavailable(deployment)[1], total) if total else 0


def has_deadline(deployment: Json) -> bool:
    return _deadline_seconds(deployment) != _NO_DEADLINE


def _deadline_seconds(deployment: Json) -> int:
    return int(deployment["spec"].get("progressDeadlineSeconds", _DEADLINE))


def template_hash(template: Json, collisions: int) -> str:
    """The value of the pod-template-hash label: a 32-bit number in Kubernetes' safe alphabet."""
    value = number("template", json.dumps(template, sort_keys=True), collisions) & 0xFFFFFFFF
    return "".join(_ALPHABET[ord(digit) % len(_ALPHABET)] for digit in str(value))


def set_of_template(sets: Sequence[Json], template: Json, collisions: int) -> Json | None:
    """The first ReplicaSet with that pod template, else the one whose hash says it was made from it."""
    found = next((one for one in sets if same_template(one["spec"]["template"], template)), None)
    if found is not None or not sets:
        return found
    suffix = template_hash(template, collisions)
    return next((one for one in sets if (one["metadata"].get("labels") or {}).get(HASH_LABEL) == suffix), None)


def same_template(left: Json, right: Json) -> bool:
    """Equal but for the pod-template-hash label."""
    return left.get("spec") == right.get("spec") and _plain_meta(left) == _plain_meta(right)


def _plain_meta(template: Json) -> Json:
    meta = {name: value for name, value in (template.get("metadata") or {}).items() if value}
    if "labels" in meta:
        meta["labels"] = without(meta["labels"], HASH_LABEL)
    return without(meta, "creationTimestamp")


def revision(item: Json) -> int:
    return int((item["metadata"].get("annotations") or {}).get(REVISION) or 0)


def annotated(deployment: Json, annotations: Mapping[str, str], wanted: int, *, exists: bool) -> dict[str, str]:
    """The annotations of the new ReplicaSet: the Deployment's own, its revision, and, once it exists, its history."""
    own = deployment["metadata"].get("annotations") or {}
    found = {**annotations, **without(own, *_NOT_COPIED)}
    old = annotations.get(REVISION, "")
    if int(old or 0) < wanted:
        found[REVISION] = str(wanted)
        if exists and old:
            past = [one for one in annotations.get(HISTORY, "").split(",") if one]
            found[HISTORY] = ",".join([*past, old])
    return found if exists else {**found, **scale_annotations(deployment)}


def scale_annotations(deployment: Json) -> dict[str, str]:
    total = replicas(deployment)
    return {DESIRED: str(total), MAXIMUM: str(total + surge_and_unavailable(deployment)[0])}


def new_set_size(deployment: Json, every: Sequence[Json], new: Json | None) -> int:
    """How many pods the new ReplicaSet may have now."""
    total, size = replicas(deployment), replicas(new) if new is not None else 0
    if not is_rolling(deployment):
        return total
    room = total + surge_and_unavailable(deployment)[0] - asked(every)
    return size if room <= 0 else size + min(room, total - size)


def proportion(one: Json, deployment: Json, to_add: int, added: int) -> int:
    """A ReplicaSet's share of a change of size in the middle of a rollout."""
    size, total = replicas(one), replicas(deployment)
    if not size or not to_add or to_add == added:
        return 0
    if total == 0:
        share = -size
    else:
        annotations = one["metadata"].get("annotations") or {}
        before = int(annotations.get(MAXIMUM) or deployment.get("status", {}).get("replicas", 0)) or 1
        exact = Decimal(size * (total + surge_and_unavailable(deployment)[0])) / before
        share = int(exact.to_integral_value(ROUND_HALF_UP)) - size
    allowed = to_add - added
    return min(share, allowed) if to_add > 0 else max(share, allowed)


def is_complete(deployment: Json, status: Json) -> bool:
    total = replicas(deployment)
    numbers = [status.get(name, 0) for name in ("updatedReplicas", "replicas", "availableReplicas")]
    return numbers == [total] * 3 and status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]


def has_progressed(before: Json, status: Json) -> bool:
    def old(of: Json) -> int:
        return int(of.get("replicas", 0)) - int(of.get("updatedReplicas", 0))

    grown = any(status.get(name, 0) > before.get(name, 0) for name in _GROWING)
    return grown or old(status) < old(before)


_GROWING = ("updatedReplicas", "readyReplicas", "availableReplicas")


def deadline(deployment: Json, condition: Json) -> float:
    """When (epoch s) a rollout that makes no progress counts as failed."""
    return parse_rfc3339(condition["lastUpdateTime"]) + _deadline_seconds(deployment)


def with_condition(
    conditions: Sequence[Json], kind: str, status: str, at: float, reason: str, message: str, *, anew: bool = False
) -> list[Json]:
    """Deployment conditions say nothing new while status and reason stay, unless `anew`: then the update time moves."""
    known = next((one for one in conditions if one["type"] == kind), None)
    if known is not None and known["status"] == status and known.get("reason") == reason and not anew:
        return [*conditions]
    same = known is not None and known["status"] == status
    since = known["lastTransitionTime"] if known is not None and same else rfc3339(at)
    fresh = {"type": kind, "status": status, "lastUpdateTime": rfc3339(at), "lastTransitionTime": since}
    return [*without_condition(conditions, kind), {**fresh, "reason": reason, "message": message}]


def without_condition(conditions: Sequence[Json], kind: str) -> list[Json]:
    return [one for one in conditions if one["type"] != kind]


def plain_status(deployment: Json, every: Sequence[Json], new: Json | None, now: float) -> Json:
    """Numbers and the Available condition; the other conditions stay as they are."""
    available = counted_in(every, "availableReplicas")
    before = deployment.get("status", {})
    enough = available >= replicas(deployment) - most_unavailable(deployment)
    reason = "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable"
    message = f"Deployment {'has' if enough else 'does not have'} minimum availability."
    status = "True" if enough else "False"
    return {
        **counted(
            observedGeneration=deployment["metadata"]["generation"],
            replicas=counted_in(every, "replicas"),
            updatedReplicas=counted_in([new] if new is not None else [], "replicas"),
            readyReplicas=counted_in(every, "readyReplicas"),
            availableReplicas=available,
            unavailableReplicas=max(asked(every) - available, 0),
            collisionCount=before.get("collisionCount"),
        ),
        "conditions": with_condition(before.get("conditions", ()), "Available", status, now, reason, message),
    }


def rollout_status(deployment: Json, every: Sequence[Json], new: Json | None, now: float) -> Json:
    """The status with what it says of progress and failure."""
    status, before = plain_status(deployment, every, new, now), deployment.get("status", {})
    conditions: list[Json] = status["conditions"]
    current = condition_of(deployment, "Progressing")
    subject = f'Deployment "{deployment["metadata"]["name"]}"'
    if new is not None:
        subject = f'ReplicaSet "{new["metadata"]["name"]}"'
    done = current is not None and current.get("reason") == "NewReplicaSetAvailable"
    if not has_deadline(deployment):
        conditions = without_condition(conditions, "Progressing")
    elif done and status.get("replicas", 0) == status.get("updatedReplicas", 0):
        pass  # no rollout is under way
    elif is_complete(deployment, status):
        message = f"{subject} has successfully progressed."
        conditions = with_condition(conditions, "Progressing", "True", now, "NewReplicaSetAvailable", message)
    elif has_progressed(before, status):
        message = f"{subject} is progressing."
        conditions = with_condition(conditions, "Progressing", "True", now, "ReplicaSetUpdated", message, anew=True)
    elif current is not None and not done and (_timed_out(current) or deadline(deployment, current) < now):
        message = f"{subject} has timed out progressing."
        conditions = with_condition(conditions, "Progressing", "False", now, "ProgressDeadlineExceeded", message)
    newest_first = [*([new] if new is not None else []), *every]
    failure = next((one for one in (condition_of(one, "ReplicaFailure") for one in newest_first) if one), None)
    if failure is None:
        conditions = without_condition(conditions, "ReplicaFailure")
    else:
        said = (failure["status"], now, failure["reason"], failure["message"])
        conditions = with_condition(conditions, "ReplicaFailure", *said)
    return {**status, "conditions": conditions}


def _timed_out(condition: Json) -> bool:
    return bool(condition.get("reason") == "ProgressDeadlineExceeded")


def next_check(deployment: Json, status: Json) -> float | None:
    """When to look whether a rollout under way has missed its deadline."""
    current = next((one for one in status["conditions"] if one["type"] == "Progressing"), None)
    if current is None or not has_deadline(deployment) or is_complete(deployment, status) or _timed_out(current):
        return None
    if current.get("reason") == "NewReplicaSetAvailable":
        return None
    return deadline(deployment, current) + 1.0
