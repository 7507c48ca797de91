"""When workloads were changed, and what changed, read from the ReplicaSets that Deployments leave behind.

A Deployment keeps one ReplicaSet per pod template, numbered by the annotation `deployment.kubernetes.io/revision`.
A new template makes a new ReplicaSet, so its creation is the rollout. Rolling back re-uses an old ReplicaSet and
gives it the next number: its creation then says nothing, and its oldest living pod says when.

A rollout may bring nothing but settings: templates carry a hash of the ConfigMap or Secret they read
(`checksum/config`, as Helm's charts and Stakater's Reloader write it) so that an edit rolls the pods.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from autodevops.analysis.template_changes import touched
from autodevops.domain.base import Json
from autodevops.domain.change import Change
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import Revision, RolloutHistory
from autodevops.domain.window import TimeWindow
from autodevops.investigation.inventory import Inventory, Object, controller_of, items, metadata, name_of, section
from autodevops.investigation.picture import Rollout

_REVISION: Final = "deployment.kubernetes.io/revision"
_CAUSE: Final = "kubernetes.io/change-cause"
_RESTARTED: Final = "kubectl.kubernetes.io/restartedAt"
# Where people and build systems write the source revision of an image.
_COMMIT_KEYS: Final = (
    "org.opencontainers.image.revision",
    "app.kubernetes.io/revision",
    "git-commit",
    "git-sha",
    "commit",
    "commit-sha",
    "vcs-ref",
)
# By how charts and operators name it; Reloader has a variable or an annotation.
_HASH_KEY = re.compile(
    r"(?:checksum|(?:config|secret|settings|configmap)[-_.]?(?:hash|sha|md5|version)|last-reloaded-from)",
    re.IGNORECASE,
)
_HASH_VARIABLE: Final = "STAKATER_"
_HEX_TAG = re.compile(r"(?:^|[-_.])(?:sha-|git-|g)?([0-9a-f]{7,40})$")
_SETTINGS: Final = "hash of its settings"
_LEAST_RELEASE: Final = 3  # characters of a tag or commit that is looked for in variables: 8 -> 9 may be anything
_SHOWN_DIFFERENCES = 4  # in a sentence; all of them are in `differences`


def find_rollouts(inventory: Inventory, window: TimeWindow, listed: Mapping[str, EvidenceId]) -> tuple[Rollout, ...]:
    """Rollouts of Deployments that took effect within `window`, oldest first."""
    by_owner: dict[str, list[Object]] = {}
    for replica_set in inventory.replica_sets:
        owner = controller_of(replica_set)
        if owner is not None and owner[0] == "Deployment":
            by_owner.setdefault(owner[1], []).append(replica_set)
    evidence = tuple(listed[kind] for kind in ("ReplicaSet", "Deployment") if kind in listed)
    found: list[Rollout] = []
    for workload in inventory.workloads:
        if workload.subject.kind != "Deployment":
            continue
        history = sorted(by_owner.get(workload.subject.name, []), key=_order)
        found.extend(_rollouts_of(workload.subject, workload.object, history, inventory, window, evidence))
    return tuple(sorted(found, key=lambda r: (r.change.at, str(r.subject), r.number)))


def from_history(history: RolloutHistory, subject: Subject, window: TimeWindow, evidence: EvidenceId) -> list[Rollout]:
    """Rollouts of any workload from its revision list (StatefulSets and DaemonSets have no ReplicaSets)."""
    revisions = sorted(history.revisions, key=lambda revision: revision.revision)
    return [
        _rollout(subject, new.revision, new.created_at, _Side.of(old), _Side.of(new), (evidence,))
        for old, new in itertools.pairwise(revisions)
        if window.contains(new.created_at) and all(new.created_at >= r.created_at for r in revisions)
    ]


class _Side:
    """One revision's template with what is written about it. `whole`: no part of the template is missing."""

    def __init__(self, template: Mapping[str, Any], annotations: Mapping[str, Any], *, whole: bool) -> None:
        self.template = template
        self.annotations = annotations
        self.whole = whole

    @classmethod
    def of(cls, revision: Revision) -> _Side:
        cause = {_CAUSE: revision.change_cause} if revision.change_cause else {}
        images: list[Json] = [{"name": name, "image": image} for name, image in sorted(revision.images.items())]
        template: Mapping[str, Any] = revision.template or {"spec": {"containers": images}}
        return cls(template, {**revision.annotations, **cause}, whole=bool(revision.template))


def _rollouts_of(
    subject: Subject,
    deployment: Object,
    history: list[Object],
    inventory: Inventory,
    window: TimeWindow,
    evidence: tuple[EvidenceId, ...],
) -> Iterable[Rollout]:
    for index in range(1, len(history)):
        old, new = history[index - 1], history[index]
        created = _moment(metadata(new).get("creationTimestamp"))
        newest_before = max(_moment(metadata(rs).get("creationTimestamp")) or _EPOCH for rs in history[:index])
        rollback = created is not None and created < newest_before
        at = _oldest_pod(new, inventory) if rollback else created
        if at is None or not window.contains(at):
            continue
        annotations = dict(section(new, "metadata", "annotations"))
        if index == len(history) - 1:
            annotations = {**section(deployment, "metadata", "annotations"), **annotations}
        yield _rollout(
            subject,
            _number(new),
            at,
            _listed(old, section(old, "metadata", "annotations")),
            _listed(new, annotations),
            evidence,
            rollback=rollback,
        )


def _listed(replica_set: Object, annotations: Mapping[str, Any]) -> _Side:
    template = section(replica_set, "spec", "template")
    return _Side(template, annotations, whole=bool(template))


def _rollout(
    subject: Subject,
    number: int,
    at: datetime,
    old: _Side,
    new: _Side,
    evidence: tuple[EvidenceId, ...],
    *,
    rollback: bool = False,
) -> Rollout:
    images = image_changes(old.template, new.template)
    commits = (_commit(old), _commit(new))
    differences = template_differences(old.template, new.template, commits)
    restart_only = not differences and _restarted(old.template) != _restarted(new.template)
    config_only = bool(differences) and all(one.startswith(_SETTINGS) for one in differences)
    what = "rolled back" if rollback else "restarted" if restart_only else "rolled out"
    detail = "; ".join(differences[:_SHOWN_DIFFERENCES])
    rest = len(differences) - _SHOWN_DIFFERENCES
    summary = f"{subject.name} {revision_name(number)} was {what}"
    if detail:
        summary += f": {detail}" + (f" and {rest} more differences" if rest > 0 else "")
    return Rollout(
        change=Change(
            kind="rollout",
            subject=subject,
            at=at,
            summary=summary,
            reference=f"revision {number}" if number else "",
            evidence=evidence,
        ),
        number=number,
        images=images,
        differences=differences,
        touched=touched(old.template, new.template) if old.whole and new.whole else None,
        commit=commits[1],
        previous_commit=commits[0],
        restart_only=restart_only,
        config_only=config_only,
        rollback=rollback,
    )


def image_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    before = {str(c.get("name")): str(c.get("image", "")) for c in _containers(old)}
    return tuple(
        (before[str(c.get("name"))], str(c.get("image", "")))
        for c in _containers(new)
        if str(c.get("name")) in before and before[str(c.get("name"))] != str(c.get("image", ""))
    )


def template_differences(
    old: Mapping[str, Any], new: Mapping[str, Any], commits: tuple[str, str] = ("", "")
) -> tuple[str, ...]:
    """What differs between two pod templates, in words. Values of variables are not shown: they may be secrets.

    A variable that only repeats which release this is, by the image's tag or the commit, is left out.
    """
    images = image_changes(old, new)
    found: list[str] = [f"image {before} -> {after}" for before, after in images]
    releases = [(_tag(before), _tag(after)) for before, after in images] + [commits]
    before = {str(c.get("name")): c for c in _containers(old)}
    after = {str(c.get("name")): c for c in _containers(new)}
    found += [f"container {name} added" for name in sorted(after.keys() - before.keys())]
    found += [f"container {name} removed" for name in sorted(before.keys() - after.keys())]
    for name in sorted(before.keys() & after.keys()):
        first, second = before[name], after[name]
        old_env = {str(e.get("name")): e for e in items(first, "env")}
        new_env = {str(e.get("name")): e for e in items(second, "env")}
        changed = sorted(
            key
            for key in old_env.keys() | new_env.keys()
            if not _same_but_release(old_env.get(key), new_env.get(key), releases)
        )
        hashes = [key for key in changed if key.startswith(_HASH_VARIABLE)]
        if len(changed) > len(hashes):
            found.append(f"environment of {name}: {', '.join(key for key in changed if key not in hashes)}")
        found += [f"{_SETTINGS} ({key})" for key in hashes]
        for what in ("memory", "cpu"):
            limits = [str(section(side, "resources", "limits").get(what, "none")) for side in (first, second)]
            if limits[0] != limits[1]:
                found.append(f"{what} limit of {name} {limits[0]} -> {limits[1]}")
        for key in (
            "command",
            "args",
            "ports",
            "envFrom",
            "livenessProbe",
            "readinessProbe",
            "startupProbe",
            "volumeMounts",
        ):
            if first.get(key) != second.get(key):
                found.append(f"{key} of {name}")
        if section(first, "resources").get("requests") != section(second, "resources").get("requests"):
            found.append(f"resource requests of {name}")
    for key in ("volumes", "nodeSelector", "affinity", "tolerations", "serviceAccountName", "imagePullSecrets"):
        if section(old, "spec").get(key) != section(new, "spec").get(key):
            found.append(key)
    first, second = (section(side, "metadata", "annotations") for side in (old, new))
    found += [
        f"{_SETTINGS} ({key})"
        for key in sorted(first.keys() | second.keys())
        if _HASH_KEY.search(key) and first.get(key) != second.get(key)
    ]
    return tuple(found)


def _same_but_release(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, releases: Iterable[tuple[str, str]]
) -> bool:
    if old == new:
        return True
    first, second = (str((one or {}).get("value") or "") for one in (old, new))
    return any(
        len(before) >= _LEAST_RELEASE and before in first and second == first.replace(before, after)
        for before, after in releases
    )


def _tag(image: str) -> str:
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]


def _containers(template: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*items(template, "spec", "containers"), *items(template, "spec", "initContainers")]


def _restarted(template: Mapping[str, Any]) -> str:
    return str(section(template, "metadata", "annotations").get(_RESTARTED, ""))


def _commit(side: _Side) -> str:
    labels = section(side.template, "metadata", "labels")
    annotations = section(side.template, "metadata", "annotations")
    for key in _COMMIT_KEYS:
        # The template's own word first: a Deployment's annotations may already speak of the next revision.
        for place in (annotations, labels, side.annotations):
            if place.get(key):
                return str(place[key])
    for container in _containers(side.template):
        match = _HEX_TAG.search(str(container.get("image", "")).rsplit(":", 1)[-1])
        if match and any(letter in "abcdef" for letter in match.group(1)):
            return match.group(1)
    return ""


def _number(replica_set: Object) -> int:
    text = str(section(replica_set, "metadata", "annotations").get(_REVISION, ""))
    return int(text) if text.isdigit() else 0


def _order(replica_set: Object) -> tuple[int, str, str]:
    """By revision; where none is known (kube-state-metrics), by creation."""
    return _number(replica_set), str(metadata(replica_set).get("creationTimestamp", "")), name_of(replica_set)


def revision_name(number: int) -> str:
    return f"revision {number}" if number else "a new revision"


def _oldest_pod(replica_set: Object, inventory: Inventory) -> datetime | None:
    moments = [
        _moment(metadata(pod).get("creationTimestamp"))
        for pod in inventory.pods
        if controller_of(pod) == ("ReplicaSet", name_of(replica_set))
    ]
    return min((moment for moment in moments if moment is not None), default=None)


def _moment(value: object) -> datetime | None:
    return parse_time(value)


def parse_time(value: object) -> datetime | None:
    """A Kubernetes time (RFC 3339, with or without fractions), or None."""
    if not isinstance(value, str) or not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
