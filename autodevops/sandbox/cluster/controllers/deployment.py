"""Deployments: a ReplicaSet per pod template, and the walk from one to the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autodevops.sandbox.basics.moments import parse_rfc3339
from autodevops.sandbox.cluster.admission import Denied
from autodevops.sandbox.cluster.controllers import deployment_parts as parts
from autodevops.sandbox.cluster.controllers.deployment_parts import asked, replicas
from autodevops.sandbox.cluster.controllers.pods import claim, is_terminating, phase
from autodevops.sandbox.cluster.controllers.writes import (
    Backoff,
    create,
    delete_all,
    is_own_note,
    owner_key,
    reaction,
    replace,
    replace_meta,
)
from autodevops.sandbox.cluster.meta import condition_of, controlled_by, controller_of, matches, owner_reference
from autodevops.sandbox.cluster.recorder import Recorder
from autodevops.sandbox.cluster.store import Change, Json, Key, Store, copied, key_of


class Deployments:
    """The loop over Deployments."""

    name = "deployment"
    kinds = ("Deployment", "ReplicaSet", "Pod")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._events = Recorder(store, "deployment-controller")
        self._backoff = Backoff()

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        kind = change.key.kind
        if kind == "Deployment":
            return [] if is_own_note(change) else [(change.key, reaction(change.key, change.id))]
        if kind == "Pod" and change.type == "DELETED":
            return self._recreated(change)
        if kind != "ReplicaSet":
            return []
        keys = [owner_key(change.object, "Deployment")]
        if controller_of(change.object) is None and change.type != "DELETED":
            labels = change.object["metadata"].get("labels") or {}
            siblings = self._store.items("Deployment", change.key.namespace)
            keys += [key_of(one) for one in siblings if matches(one["spec"].get("selector"), labels)]
        return [(key, reaction(key, change.id)) for key in keys if key is not None]

    def _recreated(self, change: Change) -> list[tuple[Key, float]]:
        """A Deployment that recreates waits for its old pods to be gone."""
        above = owner_key(change.object, "ReplicaSet")
        one = self._store.get(*above) if above is not None else None
        key = owner_key(one, "Deployment") if one is not None else None
        deployment = self._store.get(*key) if key is not None else None
        if key is None or deployment is None or parts.is_rolling(deployment):
            return []
        return [(key, reaction(key, change.id))]

    def reconcile(self, key: Key) -> float | None:
        deployment = self._store.get(*key)
        if deployment is None:
            self._backoff.succeeded(key)
            return None
        rollout = _Rollout(self._store, self._events, deployment)
        try:
            again = rollout.go()
        except Denied:
            return self._store.now + self._backoff.failed(key)
        self._backoff.succeeded(key)
        return again


class _Rollout:
    """One look at one Deployment."""

    def __init__(self, store: Store, events: Recorder, deployment: Json) -> None:
        self._store, self._events, self._deployment = store, events, deployment
        self._new: Json | None = None
        self._old: list[Json] = []

    def go(self) -> float | None:
        """Raises Denied."""
        deployment = self._deployment
        sets = claim(self._store, deployment, deployment["spec"].get("selector"), "ReplicaSet")
        template = deployment["spec"]["template"]
        self._new = parts.set_of_template(sorted(sets, key=_age), template, _collisions(deployment))
        self._old = [one for one in sets if one is not self._new]
        if is_terminating(deployment):
            self._adjust_new()
            return self._write(parts.plain_status)
        self._note_pause()
        if self._deployment["spec"].get("paused"):
            self._adjust_new()
            self._scale()
            self._clean_up()
            return self._write(parts.plain_status)
        if self._was_scaled():
            self._adjust_new()
            self._scale()
            return self._write(parts.plain_status)
        if parts.is_rolling(self._deployment):
            self._roll()
        else:
            self._recreate()
        return self._write(parts.rollout_status)

    @property
    def _all(self) -> list[Json]:
        return [*self._old, *([self._new] if self._new is not None else [])]

    def _write(self, how: object) -> float | None:
        make = parts.rollout_status if how is parts.rollout_status else parts.plain_status
        status = make(self._deployment, self._all, self._new, self._store.now)
        if status != self._deployment.get("status"):
            self._deployment = replace(self._store, self._deployment, status=status)
        return parts.next_check(self._deployment, status)

    # --- the new ReplicaSet ---

    def _adjust_new(self) -> None:
        """Bring annotations and revision of the new ReplicaSet, if it is there, up to date."""
        if self._new is None:
            return
        wanted = max((parts.revision(one) for one in self._old), default=0) + 1
        annotations = self._new["metadata"].get("annotations") or {}
        found = parts.annotated(self._deployment, annotations, wanted, exists=True)
        seconds = self._deployment["spec"].get("minReadySeconds", 0)
        if found != annotations or seconds != self._new["spec"].get("minReadySeconds", 0):
            meta = {**self._new["metadata"], "annotations": found}
            spec = {**self._new["spec"], "minReadySeconds": seconds} if seconds else self._new["spec"]
            if not seconds and "minReadySeconds" in spec:
                spec = {name: value for name, value in spec.items() if name != "minReadySeconds"}
            self._new = replace(self._store, self._new, metadata=meta, spec=spec)
        self._set_revision(found[parts.REVISION])
        if condition_of(self._deployment, "Progressing") is None and parts.has_deadline(self._deployment):
            message = f'Found new replica set "{self._new["metadata"]["name"]}"'
            self._say_progress("True", "FoundNewReplicaSet", message)

    def _set_revision(self, number: str) -> None:
        annotations = self._deployment["metadata"].get("annotations") or {}
        if annotations.get(parts.REVISION) != number:
            fresh = {**annotations, parts.REVISION: number}
            self._deployment = replace_meta(self._store, self._deployment, annotations=fresh)

    def _say_progress(self, status: str, reason: str, message: str) -> None:
        before = self._deployment.get("status", {})
        said = (status, self._store.now, reason, message)
        conditions = parts.with_condition(before.get("conditions", ()), "Progressing", *said)
        if conditions != before.get("conditions"):
            self._deployment = replace(self._store, self._deployment, status={**before, "conditions": conditions})

    def _ensure_new(self) -> None:
        """Make the new ReplicaSet if there is none. Raises Denied."""
        if self._new is not None:
            self._adjust_new()
            return
        deployment = self._deployment
        before = deployment.get("status", {})
        collisions = _collisions(deployment)
        template = copied(deployment["spec"]["template"])
        suffix = parts.template_hash(template, collisions)
        labels = {**(template.get("metadata") or {}).get("labels", {}), parts.HASH_LABEL: suffix}
        template["metadata"] = {**(template.get("metadata") or {}), "labels": labels}
        selector = copied(deployment["spec"]["selector"])
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), parts.HASH_LABEL: suffix}
        wanted = max((parts.revision(one) for one in self._old), default=0) + 1
        name = f"{deployment['metadata']['name']}-{suffix}"
        size = parts.new_set_size(deployment, self._old, None)
        seconds = deployment["spec"].get("minReadySeconds", 0)
        item: Json = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": name,
                "namespace": deployment["metadata"]["namespace"],
                "labels": dict(labels),
                "annotations": parts.annotated(deployment, {}, wanted, exists=False),
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": {
                "replicas": size,
                **({"minReadySeconds": seconds} if seconds else {}),
                "selector": selector,
                "template": template,
            },
        }
        try:
            self._new = create(self._store, item)
        except FileExistsError:
            fresh = {**before, "collisionCount": collisions + 1}
            self._deployment = replace(self._store, deployment, status=fresh)
            self._ensure_new()
            return
        except Denied as error:
            message = f'Failed to create new replica set "{name}": {error}'
            if parts.has_deadline(deployment):
                self._say_progress("False", "ReplicaSetCreateError", message)
            self._events.warning(deployment, "ReplicaSetCreateError", message)
            raise
        if size:
            self._events.normal(deployment, "ScalingReplicaSet", f"Scaled up replica set {name} from 0 to {size}")
        self._set_revision(str(wanted))
        if parts.has_deadline(deployment):
            self._say_progress("True", "NewReplicaSetCreated", f'Created new replica set "{name}"')

    # --- sizes ---

    def _resize(self, one: Json, size: int) -> Json:
        """Give a ReplicaSet a size, and its notes of how large the whole is; an event only for the first."""
        before = replicas(one)
        notes = {**(one["metadata"].get("annotations") or {}), **parts.scale_annotations(self._deployment)}
        if before == size and notes == one["metadata"].get("annotations"):
            return one
        meta, spec = {**one["metadata"], "annotations": notes}, {**one["spec"], "replicas": size}
        changed = replace(self._store, one, metadata=meta, spec=spec)
        if self._new is one:
            self._new = changed
        self._old = [changed if old is one else old for old in self._old]
        if before != size:
            way = "up" if before < size else "down"
            name = one["metadata"]["name"]
            said = f"Scaled {way} replica set {name} from {before} to {size}"
            self._events.normal(self._deployment, "ScalingReplicaSet", said)
        return changed

    def _was_scaled(self) -> bool:
        """Whether somebody changed the Deployment's size since the ReplicaSets were told of it."""
        total = str(replicas(self._deployment))
        notes = [one["metadata"].get("annotations") or {} for one in self._all if replicas(one)]
        return any(one.get(parts.DESIRED, total) != total for one in notes)

    def _scale(self) -> None:
        """Spread a change of size over the ReplicaSets there are."""
        active = [one for one in self._all if replicas(one)]
        total = replicas(self._deployment)
        if len(active) <= 1:
            only = active[0] if active else self._new or max(self._old, key=_age, default=None)
            if only is not None and replicas(only) != total:
                self._resize(only, total)
            return
        if self._new is not None and self._is_saturated(self._new, total):
            for one in [old for old in self._old if replicas(old)]:
                self._resize(one, 0)
            return
        if not parts.is_rolling(self._deployment):
            return
        allowed = total + parts.surge_and_unavailable(self._deployment)[0] if total else 0
        to_add = allowed - asked(active)
        active.sort(key=_age, reverse=to_add > 0)
        active.sort(key=replicas, reverse=True)
        sizes, added = [], 0
        for one in active:
            share = parts.proportion(one, self._deployment, to_add, added)
            sizes.append(replicas(one) + share)
            added += share
        sizes[0] = max(sizes[0] + to_add - added, 0)
        for one, size in zip(active, sizes, strict=True):
            self._resize(one, size)

    @staticmethod
    def _is_saturated(new: Json, total: int) -> bool:
        desired = (new["metadata"].get("annotations") or {}).get(parts.DESIRED)
        available = new.get("status", {}).get("availableReplicas", 0)
        return replicas(new) == total and desired == str(total) and available == total

    # --- strategies ---

    def _roll(self) -> None:
        self._ensure_new()
        assert self._new is not None
        total, size = replicas(self._deployment), replicas(self._new)
        if size != total:
            wanted = total if size > total else parts.new_set_size(self._deployment, self._all, self._new)
            if wanted != size:
                self._resize(self._new, wanted)
                return
        if not self._shrink_old(self._new):
            self._clean_up()

    def _shrink_old(self, new: Json) -> bool:
        """Take pods from old ReplicaSets as far as availability allows, the sick ones first."""
        active = sorted((one for one in self._old if replicas(one)), key=_age)
        least = replicas(self._deployment) - parts.most_unavailable(self._deployment)
        coming = replicas(new) - new.get("status", {}).get("availableReplicas", 0)
        room = asked(self._all) - least - coming
        if not active or room <= 0:
            return False
        shrunk, healthy = 0, []
        for one in active:
            sick = replicas(one) - one.get("status", {}).get("availableReplicas", 0)
            less = min(room - shrunk, sick)
            if less > 0:
                one = self._resize(one, replicas(one) - less)
                shrunk += less
            healthy.append(one)
        spare, taken = parts.counted_in([*healthy, new], "availableReplicas") - least, 0
        for one in healthy:
            less = min(replicas(one), spare - taken)
            if less > 0:
                self._resize(one, replicas(one) - less)
                taken += less
        return shrunk + taken > 0

    def _recreate(self) -> None:
        self._adjust_new()
        active = [one for one in self._old if replicas(one)]
        for one in active:
            self._resize(one, 0)
        if active or self._old_pods_left():
            return
        self._ensure_new()
        assert self._new is not None
        if replicas(self._new) != replicas(self._deployment):
            self._resize(self._new, replicas(self._deployment))
        status = parts.plain_status(self._deployment, self._all, self._new, self._store.now)
        if parts.is_complete(self._deployment, status):
            self._clean_up()

    def _old_pods_left(self) -> bool:
        namespace = self._deployment["metadata"]["namespace"]
        pods = [pod for pod in self._store.items("Pod", namespace) if phase(pod) not in ("Succeeded", "Failed")]
        return any(controlled_by(pod, one) for pod in pods for one in self._old)

    # --- the rest ---

    def _note_pause(self) -> None:
        if not parts.has_deadline(self._deployment):
            return
        current = condition_of(self._deployment, "Progressing")
        reason = current.get("reason") if current is not None else None
        paused = bool(self._deployment["spec"].get("paused"))
        if reason == "ProgressDeadlineExceeded" or paused == (reason == "DeploymentPaused"):
            return
        word = "Paused" if paused else "Resumed"
        self._say_progress("Unknown", f"Deployment{word}", f"Deployment is {word.lower()}")

    def _clean_up(self) -> None:
        """Delete the oldest ReplicaSets beyond revisionHistoryLimit."""
        limit = self._deployment["spec"].get("revisionHistoryLimit", 10)
        kept: Sequence[Json] = [one for one in self._old if not is_terminating(one)]
        if len(kept) <= limit:
            return
        oldest = sorted(kept, key=parts.revision)[: len(kept) - limit]
        gone = [one for one in oldest if _is_idle(one)]
        delete_all(self._store, gone)
        self._old = [one for one in self._old if one not in gone]


def _collisions(deployment: Json) -> int:
    return int(deployment.get("status", {}).get("collisionCount", 0))


def _age(one: Json) -> tuple[float, str]:
    return parse_rfc3339(one["metadata"]["creationTimestamp"]), str(one["metadata"]["name"])


def _is_idle(one: Json) -> bool:
    status = one.get("status", {})
    seen = status.get("observedGeneration", 0) >= one["metadata"].get("generation", 1)
    return seen and not replicas(one) and not status.get("replicas", 0)
