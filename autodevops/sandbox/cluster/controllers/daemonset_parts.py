"""Which nodes a DaemonSet's pods may be on, and what such a pod looks like. `daemonset` does the writing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autodevops.sandbox.cluster.controllers import revisions
from autodevops.sandbox.cluster.controllers.pods import from_template
from autodevops.sandbox.cluster.meta import matches
from autodevops.sandbox.cluster.store import Json

_TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
_TOLERATED = (("not-ready", "NoExecute"), ("unreachable", "NoExecute"), ("disk-pressure", "NoSchedule"),
              ("memory-pressure", "NoSchedule"), ("pid-pressure", "NoSchedule"),
              ("unschedulable", "NoSchedule"))  # fmt: skip


def suits(item: Json, node: Json) -> tuple[bool, bool]:
    """Whether a daemon pod should be started on a node, and whether one there may stay."""
    spec, labels = item["spec"]["template"]["spec"], node["metadata"].get("labels") or {}
    if spec.get("nodeName") not in (None, "", node["metadata"]["name"]):
        return False, False
    required = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    terms = (required or {}).get("nodeSelectorTerms") or ()
    fits = (spec.get("nodeSelector") or {}).items() <= labels.items()
    if not fits or (required is not None and not any(_term_fits(term, node) for term in terms)):
        return False, False
    tolerations = _tolerations(spec)
    bad = [one for one in node.get("spec", {}).get("taints") or () if not _tolerated(one, tolerations)]
    hard = [one for one in bad if one["effect"] in ("NoSchedule", "NoExecute")]
    return not hard, all(one["effect"] != "NoExecute" for one in hard)


def _term_fits(term: Json, node: Json) -> bool:
    if not term.get("matchExpressions") and not term.get("matchFields"):
        return False
    fields = {"metadata.name": node["metadata"]["name"]}
    labels = node["metadata"].get("labels") or {}
    by_labels = matches({"matchExpressions": term.get("matchExpressions") or []}, labels)
    return by_labels and matches({"matchExpressions": term.get("matchFields") or []}, fields)


def _tolerated(taint: Json, tolerations: Iterable[Json]) -> bool:
    for one in tolerations:
        if one.get("effect") not in (None, "", taint["effect"]):
            continue
        if one.get("key") not in (None, "", taint["key"]):
            continue
        if one.get("operator", "Equal") == "Exists" or (one.get("value") or "") == (taint.get("value") or ""):
            return True
    return False


def _tolerations(spec: Json) -> list[Json]:
    """Those of the template, and those every daemon pod has."""
    found = [*(spec.get("tolerations") or ())]
    names = [*_TOLERATED, *([("network-unavailable", "NoSchedule")] if spec.get("hostNetwork") else [])]
    added = [{"key": f"node.kubernetes.io/{name}", "operator": "Exists", "effect": effect} for name, effect in names]
    return found + [one for one in added if one not in found]


def pod_for(item: Json, suffix: str, node: str) -> Json:
    pod = from_template(item["spec"]["template"], item)
    generation = (item["metadata"].get("annotations") or {}).get(_TEMPLATE_GENERATION, "1")
    mine = {revisions.LABEL: suffix, "pod-template-generation": generation}
    pod["metadata"]["labels"] = {**pod["metadata"].get("labels", {}), **mine}
    pod["spec"]["tolerations"] = _tolerations(pod["spec"])
    affinity = pod["spec"].setdefault("affinity", {}).setdefault("nodeAffinity", {})
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    terms = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    affinity["requiredDuringSchedulingIgnoredDuringExecution"] = terms
    return pod


def by_node(pods: Iterable[Json]) -> dict[str, list[Json]]:
    """Pods by the node they are on or bound for."""
    found: dict[str, list[Json]] = {}
    for pod in pods:
        found.setdefault(_node(pod), []).append(pod)
    return found


def _node(pod: Json) -> str:
    if pod["spec"].get("nodeName"):
        return str(pod["spec"]["nodeName"])
    required = ((pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or {}
    for term in required.get("nodeSelectorTerms", ()):
        for one in term.get("matchFields", ()):
            if one["key"] == "metadata.name" and one["values"]:
                return str(one["values"][0])
    return ""


def pair(pods: Sequence[Json], suffix: str) -> tuple[Json | None, Json | None]:
    """The pod of the new template on a node and the one of an old."""
    new = next((one for one in pods if template_of(one) == suffix), None)
    return new, next((one for one in pods if template_of(one) != suffix), None)


def template_of(pod: Json) -> str:
    return str((pod["metadata"].get("labels") or {}).get(revisions.LABEL, ""))


def surge_of(item: Json) -> int | str:
    value: int | str = ((item["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}).get("maxSurge", 0)
    return 0 if value in (0, "0%") else value


def fitness(node: Json | None) -> object:
    """What of a node decides whether daemon pods run there."""
    return None if node is None else (node["metadata"].get("labels"), node.get("spec", {}).get("taints"))
