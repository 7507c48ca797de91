"""IngressHostMismatch (K8S162, state): an Ingress answers to another host than its certificate is for.

What: an Ingress with a host in its rules that none of its tls.hosts covers, while one of those hosts is in no rule of
any Ingress of the namespace: one of both is mistyped or was forgotten. A certificate for more hosts than are served,
or a rule without TLS beside rules with it, is no fault by itself.

Why it matters: the host that people call is answered with 404, and the other with a certificate that is not its own.

Example: `Ingress shop answers to shop.exmaple, and its certificate is for shop.example, to which no Ingress answers`

What to do: give both the same host.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import Object, items, name_of
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    ingresses = picture.inventory.of_kind("Ingress")
    served = {host for ingress in ingresses for host in _hosts(ingress)}
    for ingress in ingresses:
        certified = {str(host) for entry in items(ingress, "spec", "tls") for host in entry.get("hosts") or ()}
        uncovered = sorted(host for host in _hosts(ingress) if not any(_covers(one, host) for one in certified))
        unserved = sorted(one for one in certified if not any(_covers(one, host) for host in served))
        if uncovered and unserved:
            yield RULE.finding(
                picture.inventory.object_subject(ingress),
                f"Ingress {name_of(ingress)} answers to {', '.join(uncovered)}, and its certificate is for"
                f" {', '.join(unserved)}, to which no Ingress answers.",
                severity="error",
                confidence=0.85,
                evidence=picture.evidence_of("Ingress"),
            )


def _hosts(ingress: Object) -> set[str]:
    return {str(rule["host"]) for rule in items(ingress, "spec", "rules") if rule.get("host")}


def _covers(certified: str, host: str) -> bool:
    """A wildcard covers one label, in certificates as in rules."""
    return certified == host or certified.removeprefix("*") == f".{host.partition('.')[2]}"


RULE = Rule(
    "K8S162", "IngressHostMismatch", "state", _check, specificity=0.9, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
