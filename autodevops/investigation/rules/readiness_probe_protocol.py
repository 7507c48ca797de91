"""ReadinessProbeWrongProtocol (K8S106, state): a container's readiness probe speaks another protocol.

What: a readiness probe that reaches the port and is not understood: HTTPS to a plain HTTP port, HTTP to a gRPC or
database port, gRPC to a server without the health protocol, TCP to a UDP port.

Why it matters: the pods get no traffic; when all of them fail, callers are refused.

Example: `Readiness probe of app in 2 pods of cart fails since 03:26 UTC: it asks HTTPS at port http, which speaks
something else (http: server gave HTTP response to HTTPS client)`

What to do: correct the scheme of the readiness probe, or use the kind of probe that the port answers (httpGet, grpc,
tcpSocket).
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.probes import probe_findings


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return probe_findings(RULE, picture, "Readiness", "protocol")


RULE = Rule(
    "K8S106", "ReadinessProbeWrongProtocol", "state", _check, specificity=0.94, names_cause=True, documentation=__doc__
)
