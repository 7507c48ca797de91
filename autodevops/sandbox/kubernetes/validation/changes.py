"""What may not change once an object is there."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes.status import Fault
from autodevops.sandbox.kubernetes.validation.faults import not_allowed, wrong

_IMMUTABLE = "field is immutable"


def validate_change(item: Json, before: Json) -> list[Fault]:
    """What a write changes though it may not."""
    found = [
        wrong(f"metadata.{name}", item["metadata"].get(name), _IMMUTABLE)
        for name in ("name", "namespace", "uid")
        if item["metadata"].get(name) != before["metadata"].get(name)
    ]
    check = _CHECKS.get(item["kind"])
    return [*found, *check(item, before)] if check is not None else found


def _selector(item: Json, before: Json) -> Iterator[Fault]:
    yield from _same(item, before, "selector")


def _same(item: Json, before: Json, *fields: str) -> Iterator[Fault]:
    for field in fields:
        if item["spec"].get(field) != before["spec"].get(field):
            yield wrong(f"spec.{field}", item["spec"].get(field), _IMMUTABLE)


def _pod(item: Json, before: Json) -> Iterator[Fault]:
    spec, old = copy.deepcopy(item["spec"]), before["spec"]
    for group in ("containers", "initContainers"):
        new_containers, old_containers = spec.get(group) or [], old.get(group) or []
        if len(new_containers) != len(old_containers):
            yield not_allowed(f"spec.{group}", "pod updates may not add or remove containers")
            return
        for one, was in zip(new_containers, old_containers, strict=True):
            one["image"] = was.get("image")
    if [*(spec.get("tolerations") or ())][: len(old.get("tolerations") or ())] != [*(old.get("tolerations") or ())]:
        detail = "existing toleration can not be modified except its tolerationSeconds"
        yield not_allowed("spec.tolerations", detail)
    for field in ("tolerations", "activeDeadlineSeconds"):
        _restore(spec, old, field)
    if old.get("terminationGracePeriodSeconds", 0) < 0:
        _restore(spec, old, "terminationGracePeriodSeconds")
    if old.get("schedulingGates"):
        for field in ("schedulingGates", "nodeSelector", "affinity"):
            _restore(spec, old, field)
    if spec != old:
        yield not_allowed(
            "spec",
            "pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
            "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously "
            "negative)",
        )


def _restore(spec: Json, old: Json, field: str) -> None:
    spec.pop(field, None)
    if field in old:
        spec[field] = old[field]


def _stateful_set(item: Json, before: Json) -> Iterator[Fault]:
    mutable = {
        "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
    }  # fmt: skip

    def rest(one: Json) -> Json:
        return {name: value for name, value in one["spec"].items() if name not in mutable}

    if rest(item) != rest(before):
        yield not_allowed(
            "spec",
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
            "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        )


def _job(item: Json, before: Json) -> Iterator[Fault]:
    yield from _same(item, before, "selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex")
    if item["spec"].get("completions") != before["spec"].get("completions"):
        indexed = item["spec"].get("completionMode") == "Indexed"
        if not indexed or item["spec"].get("completions") != item["spec"].get("parallelism"):
            yield wrong("spec.completions", item["spec"].get("completions"), _IMMUTABLE)
    if item["spec"].get("template") != before["spec"].get("template"):
        yield wrong("spec.template", item["spec"].get("template"), _IMMUTABLE)


def _service(item: Json, before: Json) -> Iterator[Fault]:
    old, new = before["spec"].get("clusterIP"), item["spec"].get("clusterIP")
    if "ExternalName" in (item["spec"].get("type"), before["spec"].get("type")) or not old or old == new:
        return
    yield wrong("spec.clusterIPs[0]", [new] if new else None, "may not change once set")


def _claim(item: Json, before: Json) -> Iterator[Fault]:
    def rest(one: Json, *, bound: bool) -> Json:
        spec: Json = copy.deepcopy(one["spec"])
        (spec.get("resources") or {}).pop("requests", None)
        if not bound:
            spec.pop("volumeName", None)
            spec.pop("storageClassName", None)
        spec.pop("volumeAttributesClassName", None)
        return spec

    bound = bool(before["spec"].get("volumeName"))
    if rest(item, bound=bound) != rest(before, bound=bound):
        yield not_allowed(
            "spec",
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
        )
    wanted, had = (
        (one["spec"].get("resources") or {}).get("requests") for one in (item, before)
    )  # fmt: skip
    if wanted != had and (before.get("status") or {}).get("phase") != "Bound":
        yield not_allowed(
            "spec",
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
        )


def _data(item: Json, before: Json) -> Iterator[Fault]:
    if item["kind"] == "Secret" and item.get("type") != before.get("type"):
        yield wrong("type", item.get("type"), _IMMUTABLE)
    if not before.get("immutable"):
        return
    if not item.get("immutable"):
        yield not_allowed("immutable", "field is immutable when `immutable` is set")
    for field in ("data", "binaryData"):
        if item.get(field) != before.get(field):
            yield not_allowed(field, "field is immutable when `immutable` is set")


def _binding(item: Json, before: Json) -> Iterator[Fault]:
    if item.get("roleRef") != before.get("roleRef"):
        yield wrong("roleRef", item.get("roleRef"), "cannot change roleRef")


def _storage_class(item: Json, before: Json) -> Iterator[Fault]:
    for field, says in (("parameters", "updates to parameters are forbidden."),
                        ("provisioner", "updates to provisioner are forbidden."),
                        ("reclaimPolicy", "updates to reclaimPolicy are forbidden.")):  # fmt: skip
        if item.get(field) != before.get(field):
            yield not_allowed(field, says)


_CHECKS: dict[str, Callable[[Json, Json], Iterator[Fault]]] = {
    "Pod": _pod,
    "Deployment": _selector,
    "ReplicaSet": _selector,
    "DaemonSet": _selector,
    "StatefulSet": _stateful_set,
    "Job": _job,
    "Service": _service,
    "PersistentVolumeClaim": _claim,
    "ConfigMap": _data,
    "Secret": _data,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
    "StorageClass": _storage_class,
}
