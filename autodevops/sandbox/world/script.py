"""What people and pipelines did: the cluster's past before the scenario, and the scenario's own changes.

Each step is put on the cluster's time; what becomes of it is the controllers' business. A release is a change of the
pod template; releases are also what the world's Git history is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from autodevops.kernel.errors import UsageError
from autodevops.sandbox.basics import hashing
from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.cluster.admission import Denied, admit
from autodevops.sandbox.cluster.bootstrap import bootstrap
from autodevops.sandbox.cluster.cluster import Cluster
from autodevops.sandbox.cluster.controllers import revisions
from autodevops.sandbox.cluster.kinds import KINDS
from autodevops.sandbox.cluster.meta import controlled_by
from autodevops.sandbox.cluster.patches import strategic_merge_patch
from autodevops.sandbox.cluster.store import Json, Key, Store, copied, key_of
from autodevops.sandbox.kubernetes.ownership import Writer, after_update
from autodevops.sandbox.world import manifests
from autodevops.sandbox.world.faults.effects import Outage, PullRequestText, Write
from autodevops.sandbox.world.templates import CAUSE_ANNOTATION, COMMIT_ANNOTATION
from autodevops.sandbox.world.topology import Service, Topology

PAST = 90 * 86400.0  # seconds before the scenario's start at which the cluster is set up
_RECENT = 3 * 3600.0  # seconds before it from which on cron jobs fire and autoscalers look
_SETTLE = 300.0  # seconds between first releases that would otherwise fall before the beginning
_CERTIFICATE_LEFT = 71 * 86400.0  # seconds from the scenario's start to the end of certificates that are well


@dataclass(frozen=True)
class Release:
    """A version that a pipeline brought to a workload at `at` (epoch seconds), and the commit it was built from."""

    at: float
    service: str
    version: str
    previous_version: str
    commit: str
    pull_request: PullRequestText | None = None


def releases(topology: Topology, seed: int, origin: float, writes: Iterable[Write]) -> tuple[Release, ...]:
    """Every release there is, oldest first: those before the scenario (the last one `deployed` ago, earlier ones days
    apart, the oldest when the cluster was set up) and the scenario's own."""
    found: list[Release] = []
    scripted = [write for write in writes if write.verb == "deploy"]
    for service in topology.services:
        if service.kind == "External":
            continue
        own = [write for write in scripted if write.object == f"@{service.name}"]
        at = min([origin - service.deployed, *(write.at - 3600.0 for write in own)])
        past: list[tuple[float, str, PullRequestText | None]] = []
        for version in reversed(service.versions):
            past.append((at, version, None))
            at -= (4.0 + 9.0 * hashing.uniform(seed, "release gap", service.name, version)) * 86400.0
        past[-1] = (origin - PAST, *past[-1][1:])
        previous = ""
        settled = [
            (max(when, origin - PAST + _SETTLE * i), version, pull)
            for i, (when, version, pull) in enumerate(reversed(past))
        ]
        for when, version, pull in [*settled, *((w.at, str(w.body["version"]), w.pull_request) for w in own)]:
            commit = release_commit(seed, service.name, version) if _built(service) else ""
            found.append(Release(when, service.name, version, previous, commit, pull))
            previous = version
    return tuple(sorted(found, key=lambda release: (release.at, release.service)))


def release_commit(seed: int, service: str, version: str) -> str:
    """The Git commit a version of a service was built from (40 hex digits)."""
    return hashing.digest(seed, "commit", service, version, size=20)


def write_script(
    cluster: Cluster, topology: Topology, seed: int, origin: float, made: Sequence[Release], writes: Iterable[Write],
    outages: Iterable[Outage],
) -> None:  # fmt: skip
    """Put the whole script on the cluster's time."""
    beginning = origin - PAST
    ends = {outage.target: outage.start for outage in outages if outage.what == "certificate"}
    shared = [*manifests.shared_objects(topology, seed, origin + _CERTIFICATE_LEFT, ends)]

    def set_up(store: Store) -> None:
        bootstrap(store)
        for item in (*manifests.namespaces(topology), *manifests.cluster_objects(topology)):
            _create(store, item)
        for item in shared:
            if item["kind"] != "CronJob":
                _create(store, item)
        for service in topology.services:
            if service.kind != "External":
                for item in manifests.service_objects(topology, service):
                    _create(store, item)

    def start_recent(store: Store) -> None:
        for item in shared:
            if item["kind"] == "CronJob":
                _create(store, item)
        for service in topology.services:
            if service.hpa_max:
                _create(store, manifests.autoscaler(service))

    cluster.at(beginning, set_up)
    for release in made:
        cluster.at(release.at + 1.0 if release.at == beginning else release.at, _released(topology, release))
    cluster.at(origin - _RECENT, start_recent)
    for write in writes:
        if write.verb != "deploy":
            cluster.at(write.at, doing(topology, write))


def _built(service: Service) -> bool:
    return service.kind == "Deployment" and service.namespace != "kube-system"


def _released(topology: Topology, release: Release) -> Callable[[Store], None]:
    service = topology.by_name[release.service]
    annotations: dict[str, str] = {}
    if release.commit:
        cause = f"pipeline: release {service.name} {release.version} ({release.commit[:7]})"
        annotations = {COMMIT_ANNOTATION: release.commit, CAUSE_ANNOTATION: cause}
    wanted = manifests.workload(service, release.version, release.commit, annotations)

    def act(store: Store) -> None:
        before = store.get(*key_of(wanted))
        if before is None:
            _create(store, wanted)
            return

        def change(item: Json) -> None:
            item["spec"]["template"] = copied(wanted["spec"]["template"])
            item["metadata"].setdefault("annotations", {}).update(annotations)

        _edit(store, key_of(wanted), change)

    return act


def doing(topology: Topology, write: Write) -> Callable[[Store], None]:
    """What a write does to the store. Raises UsageError, when it is done, for an object that is not there."""

    def act(store: Store) -> None:
        key = _key(topology, write.object)
        match write.verb:
            case "apply":
                item = copied(dict(write.body))
                if KINDS[key.kind].namespaced:
                    item["metadata"]["namespace"] = key.namespace
                before = store.get(*key)
                if before is None:
                    _create(store, item)
                else:
                    wanted = {k: v for k, v in item.items() if k != "metadata"}
                    _edit(store, key, _signed(write, "kubectl-client-side-apply", lambda one: one.update(wanted)))
            case "delete":
                store.delete(key)
            case "patch":
                _edit(store, key, _signed(write, "kubectl-patch", lambda item: _patched(store, key, item, write.body)))
            case "scale":
                replicas = write.body["replicas"]
                change = _signed(write, "kubectl", lambda item: item["spec"].update(replicas=replicas), "scale")
                _edit(store, key, change)
            case "restart":
                _edit(store, key, lambda item: _restarted(item, write.at))
            case "undo":
                _edit(store, key, lambda item: _undone(store, item, str(write.body.get("image", ""))))

    return act


def _signed(
    write: Write, manager: str, change: Callable[[Json], object], subresource: str = ""
) -> Callable[[Json], None]:
    """The change, with who made it and when in managedFields, as the API server keeps it.

    Releases, restarts, undos and creations are not signed.
    """
    by = "argocd-controller" if write.pull_request else manager

    def act(item: Json) -> None:
        before = copied(item)
        change(item)
        writer = Writer(by, "Update", item["apiVersion"], rfc3339(write.at), subresource)
        item["metadata"]["managedFields"] = after_update(item, before, writer)

    return act


def _key(topology: Topology, name: str) -> Key:
    if name.startswith("@"):
        service = topology.by_name[name[1:]]
        return Key(service.kind, service.namespace, service.name)
    kind, *rest = name.split("/")
    return Key(kind, (rest[0] if len(rest) == 2 else topology.namespace) if KINDS[kind].namespaced else "", rest[-1])


def _patched(store: Store, key: Key, item: Json, patch: Any) -> None:
    if "$undo" in patch:
        past = [version.object for version in store.history(key) if version.at < patch["$undo"]]
        before = copied(past[-1]) if past and past[-1] is not None else {}
        after = {**before, "metadata": item["metadata"], "status": item.get("status", {})}
    else:
        after = strategic_merge_patch(item, copied(dict(patch)))
    item.clear()
    item.update(after)


def _restarted(item: Json, at: float) -> None:
    metadata = item["spec"]["template"].setdefault("metadata", {})
    metadata.setdefault("annotations", {})["kubectl.kubernetes.io/restartedAt"] = rfc3339(at)


def _undone(store: Store, item: Json, image: str) -> None:
    """The template of the revision before the present one, as `kubectl rollout undo` puts it back; with `image`, the
    one of the last revision that had it, as its `--to-revision` does."""

    def has_it(template: Json) -> bool:
        return not image or any(one.get("image") == image for one in template["spec"]["containers"])

    if item["kind"] != "Deployment":
        past = [found for one in revisions.of(store, item)[:-1] if has_it(found := revisions.template(one))]
        if past:
            item["spec"]["template"] = past[-1]
        return
    mark = "deployment.kubernetes.io/revision"
    own = [one for one in store.items("ReplicaSet", item["metadata"]["namespace"]) if controlled_by(one, item)]
    own.sort(key=lambda one: int(one["metadata"].get("annotations", {}).get(mark, 0)))
    earlier = [one for one in own[:-1] if has_it(one["spec"]["template"])]
    if not earlier:
        return
    template = copied(earlier[-1]["spec"]["template"])
    template.get("metadata", {}).get("labels", {}).pop("pod-template-hash", None)
    item["spec"]["template"] = template
    said = earlier[-1]["metadata"].get("annotations", {})
    for name in (CAUSE_ANNOTATION, COMMIT_ANNOTATION):
        if name in said:
            item["metadata"].setdefault("annotations", {})[name] = said[name]


def _create(store: Store, item: Json) -> None:
    try:
        store.create(admit(store, copied(item), "CREATE"))
    except Denied as denied:
        raise UsageError(
            f"The API server refuses what the scenario applies, {item['kind']}/{item['metadata']['name']}: {denied}",
            "Correct the manifest.",
        ) from denied


def _edit(store: Store, key: Key, change: Callable[[Json], object]) -> None:
    before = store.get(*key)
    if before is None:
        raise UsageError(
            f"The scenario changes {key.kind} {key.namespace}/{key.name}, which is not there.", "See its topology."
        )
    item = copied(before)
    change(item)
    try:
        store.update(admit(store, item, "UPDATE", before))
    except Denied as denied:
        raise UsageError(
            f"The API server refuses the scenario's change of {key.kind} {key.name}: {denied}", "Correct the patch."
        ) from denied
