"""The writes that change the world: a Deployment's template and replicas, and the end of a pod.

Each reads the object as it is now, works out what is asked, says no as the API server would, and, unless it is a dry
run, puts one entry on the world's timeline. What becomes of it is the controllers' business (`world/workloads.py`).
"""

from __future__ import annotations

import copy
from typing import Any

from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.kubernetes.patches import json_patch, merge_patch, strategic_merge_patch
from autodevops.sandbox.kubernetes.resources import Resource
from autodevops.sandbox.kubernetes.status import Refused, bad_request, conflict, invalid, not_found
from autodevops.sandbox.world.templates import CAUSE_ANNOTATION, COMMIT_ANNOTATION, Json, template_hash
from autodevops.sandbox.world.workloads import PodDeleted, Rolled, Scaled
from autodevops.sandbox.world.world import World

_OWNED = "deployment.kubernetes.io/"  # annotations the controller writes
_PATCHES = {
    "application/json-patch+json": json_patch,
    "application/merge-patch+json": merge_patch,
    "application/strategic-merge-patch+json": strategic_merge_patch,
}


def patched(document: Json, patch: Any, media_type: str) -> Json:
    """`document` after a patch. Raises Refused."""
    apply = _PATCHES.get(media_type)
    if apply is None:
        raise Refused(
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: " + ", ".join(_PATCHES),
        )
    try:
        found = apply(document, patch)
    except ValueError as error:
        raise bad_request(str(error)) from error
    if not isinstance(found, dict):
        raise bad_request("the patch does not leave an object")
    return found


def change_deployment(world: World, resource: Resource, before: Json, after: Json, *, dry_run: bool) -> Json:
    """Make the Deployment `before` be `after`; returns it as it is then. Raises Refused."""
    name, now = str(before["metadata"]["name"]), world.now()
    _check_version(resource, name, before, after)
    replicas = after.get("spec", {}).get("replicas")
    if not isinstance(replicas, int) or isinstance(replicas, bool) or replicas < 0:
        raise invalid(resource, name, "spec.replicas", f"Invalid value: {replicas}: must be greater than or equal to 0")
    template = after.get("spec", {}).get("template")
    _check_template(resource, name, before, template)
    if before["spec"]["selector"] != after["spec"].get("selector"):
        raise invalid(resource, name, "spec.selector", "Invalid value: field is immutable")
    _check_rest(resource, name, before, after)
    rolled = template_hash(template) != template_hash(before["spec"]["template"])
    if not rolled and _own_annotations(before) != _own_annotations(after):
        raise invalid(resource, name, "metadata.annotations", _OUT_OF_SCOPE)
    if dry_run:
        shown = copy.deepcopy(before)
        shown["metadata"]["annotations"] = after["metadata"].get("annotations", {})
        shown["spec"] |= {"replicas": replicas, "template": template}
        if rolled or replicas != before["spec"]["replicas"]:
            shown["metadata"]["generation"] += 1
        return shown
    if rolled:
        annotations = _own_annotations(after)
        commit = annotations.get(COMMIT_ANNOTATION, "")
        world.apply(name, Rolled(now, template, commit, annotations.get(CAUSE_ANNOTATION, ""), None, annotations))
    if replicas != before["spec"]["replicas"]:
        world.apply(name, Scaled(now, replicas))
    return current(world, resource, str(before["metadata"]["namespace"]), name)


_OUT_OF_SCOPE = "Forbidden: the sandbox keeps changes of spec.template and spec.replicas alone"


def _check_version(resource: Resource, name: str, before: Json, after: Json) -> None:
    wanted = after.get("metadata", {}).get("resourceVersion")
    if wanted and wanted != before["metadata"]["resourceVersion"]:
        raise conflict(resource, name)


def _check_template(resource: Resource, name: str, before: Json, template: Any) -> None:
    containers = template.get("spec", {}).get("containers") if isinstance(template, dict) else None
    if not containers:
        raise invalid(resource, name, "spec.template.spec.containers", "Required value")
    for index, container in enumerate(containers):
        if not isinstance(container, dict) or not container.get("image"):
            raise invalid(resource, name, f"spec.template.spec.containers[{index}].image", "Required value")
    labels = template.get("metadata", {}).get("labels") or {}
    wanted = before["spec"]["selector"]["matchLabels"]
    if any(labels.get(key) != value for key, value in wanted.items()):
        problem = f"Invalid value: {labels}: `selector` does not match template `labels`"
        raise invalid(resource, name, "spec.template.metadata.labels", problem)


def _check_rest(resource: Resource, name: str, before: Json, after: Json) -> None:
    """What the sandbox would not keep is refused, so that no write is lost in silence."""

    def rest(item: Json) -> Json:
        meta = {k: v for k, v in item["metadata"].items() if k in ("name", "namespace", "labels", "uid")}
        return {"metadata": meta, "spec": {k: v for k, v in item["spec"].items() if k not in ("template", "replicas")}}

    if rest(before) != rest(after):
        raise invalid(resource, name, "spec", _OUT_OF_SCOPE)


def _own_annotations(item: Json) -> dict[str, str]:
    annotations = item["metadata"].get("annotations") or {}
    return {key: value for key, value in annotations.items() if not key.startswith(_OWNED)}


def current(world: World, resource: Resource, namespace: str, name: str) -> Json:
    """The object as it is now. Raises Refused (404)."""
    for item in world.objects(world.now(), resource.plural)[resource.plural]:
        if item["metadata"]["name"] == name and item["metadata"].get("namespace", "") == namespace:
            return item
    raise not_found(resource, name)


def delete_pod(world: World, resource: Resource, namespace: str, name: str, *, dry_run: bool) -> Json:
    """End a pod; its controller makes another. Returns the pod as it goes. Raises Refused (404)."""
    found = current(world, resource, namespace, name)
    now = world.now()
    found["metadata"] |= {"deletionTimestamp": rfc3339(now), "deletionGracePeriodSeconds": 30}
    if not dry_run:
        pod = next(pod for pod in world.pods(now) if pod.name == name and pod.namespace == namespace)
        world.apply(pod.service, PodDeleted(now, name))
    return found


def scale_of(deployment: Json) -> Json:
    """The autoscaling/v1 Scale of a Deployment."""
    meta = deployment["metadata"]
    labels = deployment["spec"]["selector"]["matchLabels"]
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        },
        "spec": {"replicas": deployment["spec"]["replicas"]},
        "status": {
            "replicas": deployment["status"].get("replicas", 0),
            "selector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        },
    }  # fmt: skip


def with_scale(deployment: Json, scale: Json) -> Json:
    """The Deployment that a written Scale asks for."""
    wanted = copy.deepcopy(deployment)
    wanted["spec"]["replicas"] = scale.get("spec", {}).get("replicas", 0)
    wanted["metadata"]["resourceVersion"] = scale.get("metadata", {}).get("resourceVersion", "")
    return wanted
