"""KubeProxyDown (K8S121, state): a node's kube-proxy does not run, so its pods reach no Service.

What: a node with pods of the namespace whose kube-proxy pod is in trouble or missing while other nodes have one, whose
unit kube-proxy.service is not active, or whose kube-proxy does not answer on its health port or to Prometheus while
the machine does. Where no node has one any more, the DaemonSet is at fault.

Why it matters: rules for Services stay as they were when it stopped: new Services and new endpoints are not reached
from that node, and connections go to pods that are gone. All looks well from elsewhere.

Example: `kube-proxy of node node-1 does not answer since 03:40 UTC: pods there (checkout, frontend) reach Services by
old rules`

What to do: `kubectl -n kube-system logs` of its kube-proxy pod; see its configuration (ConfigMap kube-proxy) and
restart it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import SYSTEM_NAMESPACE, name_of, node_subject, of_system, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.components import pods_of, sick_pods
from autodevops.investigation.rules.machines import last, went_to_zero


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    if (gone := _gone(picture)) is not None:
        yield gone
        return
    for node, (words, since, evidence) in sorted(_nodes(picture).items()):
        owners = {picture.inventory.of_owner("Pod", name_of(pod)) for pod in picture.inventory.pods_on(node)}
        names = sorted(owner.name for owner in owners if owner is not None)
        if names:
            yield RULE.finding(
                node_subject(node),
                f"kube-proxy of node {node} {words}{f' since {clock(since)}' if since else ''}: pods there"
                f" ({', '.join(names[:4])}) reach Services by old rules.",
                severity="error",
                confidence=0.95,
                evidence=(*picture.evidence_of(of_system("Pod"), "Node"), *evidence),
                onset=since,
            )


def _nodes(picture: Picture) -> dict[str, tuple[str, datetime | None, tuple[EvidenceId, ...]]]:
    """Nodes whose kube-proxy is down, though the node itself is well."""
    found: dict[str, tuple[str, datetime | None, tuple[EvidenceId, ...]]] = {}
    for part in sick_pods(picture, "kube-proxy"):
        found.setdefault(part.node, (part.words, part.since, ()))
    having = {str(section(pod, "spec").get("nodeName", "")) for pod in pods_of(picture.inventory, "kube-proxy")}
    ready = {name_of(node) for node in picture.inventory.nodes if _is_ready(node)}
    sets = [one for one in picture.inventory.of_kind(of_system("DaemonSet")) if name_of(one) == "kube-proxy"]
    if having and any(section(one, "status").get("desiredNumberScheduled", 0) > len(having) for one in sets):
        for node in sorted(ready - having):
            found.setdefault(node, ("has no pod", None, ()))
    for kind, words in (
        ("unit_active", "is not active"),
        ("proxy_answers", "does not answer"),
        ("proxy_up", "is down"),
    ):
        for series in picture.node_series:
            of_it = series.kind == kind and (kind != "unit_active" or series.detail == "kube-proxy.service")
            if of_it and last(series, picture) == 0.0 and bool((series.values > 0).any()):
                found.setdefault(series.node, (words, went_to_zero(series), (series.evidence,)))
    return {node: told for node, told in found.items() if node in ready}


def _gone(picture: Picture) -> Finding | None:
    """No kube-proxy anywhere, though its DaemonSet is there."""
    sets = [item for item in picture.inventory.of_kind(of_system("DaemonSet")) if name_of(item) == "kube-proxy"]
    for item in sets if of_system("Pod") in picture.listed else ():
        if not pods_of(picture.inventory, "kube-proxy") and not section(item, "status").get("numberReady"):
            subject = Subject(kind="DaemonSet", name="kube-proxy", namespace=SYSTEM_NAMESPACE, api_version="apps/v1")
            return RULE.finding(
                subject,
                "DaemonSet kube-proxy has no pod on any node: Services are reached by old rules, or not at all.",
                severity="critical",
                confidence=0.95,
                evidence=picture.evidence_of(of_system("DaemonSet"), of_system("Pod")),
            )
    return None


def _is_ready(node: object) -> bool:
    conditions = section(node, "status").get("conditions") if isinstance(node, dict) else None
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions or ())


RULE = Rule(
    "K8S121", "KubeProxyDown", "state", _check, specificity=0.95, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
