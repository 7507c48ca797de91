"""GatewayClassMissing (K8S158, state): no controller takes a Gateway.

What: a Gateway whose gatewayClassName is no class of the cluster, or which its class's controller has not looked at
for five minutes: its condition Accepted is still Unknown, Waiting for controller, as the API server made it.

Why it matters: it gets no address and no listener, and none of its routes is served.

Example: `Gateway edge wants class istoi, which does not exist; there is istio`

What to do: correct the class (`kubectl get gatewayclass`), or install its controller.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import Object, items, metadata, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule

_LEAST = timedelta(minutes=5)  # to be looked at


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    classes = {name_of(one) for one in picture.inventory.of_kind("GatewayClass")}
    for gateway in picture.inventory.of_kind("Gateway"):
        made = parse_time(metadata(gateway).get("creationTimestamp"))
        young = made is not None and picture.span.window.end - made < _LEAST
        accepted = next((one for one in items(gateway, "status", "conditions") if one.get("type") == "Accepted"), {})
        wanted = str(section(gateway, "spec").get("gatewayClassName") or "")
        if young or accepted.get("status") in ("True", "False"):
            continue
        if "GatewayClass" in picture.listed and wanted not in classes:
            words = f"wants class {wanted}, which does not exist; there is {', '.join(sorted(classes)) or 'none'}"
        elif _untaken(accepted):
            words = f"is of class {wanted}, and no controller has taken it"
        else:
            continue
        yield RULE.finding(
            picture.inventory.object_subject(gateway),
            f"Gateway {name_of(gateway)} {words}.",
            severity="error",
            confidence=0.93,
            evidence=picture.evidence_of("Gateway", "GatewayClass"),
            onset=made,
        )


def _untaken(accepted: Object) -> bool:
    return accepted.get("status") == "Unknown" and accepted.get("reason") == "Pending"


RULE = Rule(
    "K8S158", "GatewayClassMissing", "state", _check, specificity=0.93, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
