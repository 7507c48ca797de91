"""NetworkPolicies as Kubernetes evaluates them: who is isolated, and which flows the rules of a policy let through.

A pod that no policy selects for a direction is open in it. One that some policy selects accepts what any of them
allows, and nothing else. Addresses of pods are not compared with an ipBlock: for pods only selectors count here, and a
block is taken to allow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from autodevops.investigation.inventory import Object, items, section

_RULES: Final = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}


@dataclass(frozen=True)
class Port:
    """What a flow arrives at: the container's port, its name where it has one, and the protocol."""

    number: int
    name: str = ""
    protocol: str = "TCP"


def selects(selector: object, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector takes these labels. An empty one takes all, a missing one none."""
    if not isinstance(selector, dict):
        return False
    if any(labels.get(key) != value for key, value in section(selector, "matchLabels").items()):
        return False
    return all(_meets(entry, labels) for entry in items(selector, "matchExpressions"))


def _meets(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = str(expression.get("key", "")), expression.get("values") or []
    match expression.get("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return False


def isolates(policy: Object, labels: Mapping[str, str], way: str) -> bool:
    """Whether pods with these labels are isolated by the policy for `way` (Ingress or Egress)."""
    types = section(policy, "spec").get("policyTypes")
    if not isinstance(types, list):  # the API server writes it; without: Ingress, and Egress where it has rules
        types = ["Ingress", *(["Egress"] if section(policy, "spec").get("egress") else [])]
    return way in types and selects(section(policy, "spec").get("podSelector", {}), labels)


def allows(
    policy: Object,
    way: str,
    peer: Mapping[str, str],
    namespace: Mapping[str, str],
    port: Port | None,
    *,
    own: bool = True,
) -> bool:
    """Whether a rule of the policy lets the flow with a peer through, to `port` if known.

    `namespace` are the labels of the peer's namespace; `own` says that it is the policy's.
    """
    rules, peers = _RULES[way]
    return any(
        _peer_matches(rule.get(peers), peer, namespace, own=own) and _port_matches(rule.get("ports"), port)
        for rule in items(policy, "spec", rules)
    )


def allows_outside(policy: Object, port: Port | None, *, of_cluster: bool) -> bool:
    """Whether a rule for egress lets a flow out of the namespace through, to `port` if known.

    Selectors take pods alone, so that only a block, or a rule without peers, leads out of the cluster; `of_cluster`
    says that the host may be another namespace's, which a namespaceSelector may take.
    """
    return any(
        _port_matches(rule.get("ports"), port)
        and (
            not items(rule, "to")
            or any("ipBlock" in peer or (of_cluster and "namespaceSelector" in peer) for peer in items(rule, "to"))
        )
        for rule in items(policy, "spec", "egress")
    )


def _peer_matches(peers: object, labels: Mapping[str, str], namespace: Mapping[str, str], *, own: bool) -> bool:
    if not isinstance(peers, list) or not peers:
        return True
    for peer in peers:
        if "ipBlock" in peer:
            return True
        of_namespace = peer.get("namespaceSelector")
        if not (own if of_namespace is None else selects(of_namespace, namespace)):
            continue
        of_pod = peer.get("podSelector")
        if of_pod is None or selects(of_pod, labels):
            return True
    return False


def _port_matches(ports: object, port: Port | None) -> bool:
    if not isinstance(ports, list) or not ports or port is None:
        return True
    for entry in ports:
        if (entry.get("protocol") or "TCP") != port.protocol:
            continue
        wanted, end = entry.get("port"), entry.get("endPort")
        if wanted is None or wanted == port.name or wanted == port.number:
            return True
        if isinstance(wanted, int) and isinstance(end, int) and wanted <= port.number <= end:
            return True
    return False
