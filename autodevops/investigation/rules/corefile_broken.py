"""CorefileBroken (K8S131, state): the configuration of cluster DNS cannot work.

What: the Corefile in ConfigMap kube-system/coredns with braces that do not match, without the plugin kubernetes for
the cluster's zone, or with rewrite, template or hosts that take names of the cluster's zone away. CoreDNS keeps an old
configuration until it is restarted.

Why it matters: names of Services do not resolve, or CoreDNS does not start.

Example: `The Corefile of cluster DNS has no plugin kubernetes: names of Services do not resolve`

What to do: correct the ConfigMap, then `kubectl -n kube-system rollout restart deployment coredns`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import CLUSTER_DNS, COREFILE, SYSTEM_NAMESPACE, metadata, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.components import sick_pods

_STOLEN = re.compile(r"^\s*(template|rewrite|hosts|file)\b[^\n{]*(cluster\.local|svc)", re.M)


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for item in picture.inventory.of_kind(COREFILE):
        text = section(item, "data").get("Corefile")
        fault, sure = _fault(text) if isinstance(text, str) else ("", 0.0)
        crashing = bool(sick_pods(picture, "kube-dns"))
        if not fault:
            continue
        made = parse_time(metadata(item).get("creationTimestamp"))
        yield RULE.finding(
            Subject(kind="ConfigMap", name="coredns", namespace=SYSTEM_NAMESPACE, api_version="v1"),
            f"The Corefile of cluster DNS {fault}.",
            severity="critical" if crashing else "error",
            confidence=0.95 if crashing else sure,
            evidence=picture.evidence_of(COREFILE, CLUSTER_DNS),
            onset=made if made is not None and picture.span.window.contains(made) else None,
        )


def _fault(text: str) -> tuple[str, float]:
    plain = "\n".join(line.split("#", 1)[0] for line in text.splitlines())
    if plain.count("{") != plain.count("}"):
        return "has braces that do not match: CoreDNS cannot start with it", 0.95
    zones = re.findall(r"^\s*kubernetes\b([^\n{]*)", plain, re.M)
    if not zones:
        return "has no plugin kubernetes: names of Services do not resolve", 0.95
    stolen = _STOLEN.search(plain)
    if stolen and ("NXDOMAIN" in plain or "SERVFAIL" in plain or "REFUSED" in plain or stolen.group(1) == "rewrite"):
        return f"takes names of the cluster away ({stolen.group(0).strip()[:80]})", 0.75
    return "", 0.0


RULE = Rule(
    "K8S131", "CorefileBroken", "state", _check, specificity=0.95, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
