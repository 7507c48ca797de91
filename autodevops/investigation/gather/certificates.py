"""When the certificates of Ingresses end: from whoever watches them in Prometheus, since Secrets are never read.

Asked where an Ingress has a certificate, and beside Kubernetes. The blackbox exporter names a host by the URL it
probes, the NGINX ingress controller by a label.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from autodevops.investigation.gather.collect import Collector
from autodevops.investigation.gather.promql import latest, series_of
from autodevops.investigation.inventory import Inventory, items
from autodevops.investigation.picture import SeenCertificate
from autodevops.investigation.request import Span
from autodevops.kernel.clock import rfc3339

_FAMILIES: Final = "probe_ssl_earliest_cert_expiry or nginx_ingress_controller_ssl_expire_time_seconds"


async def gather_certificates(collector: Collector, inventory: Inventory, span: Span) -> tuple[SeenCertificate, ...]:
    if inventory.namespace and not any(items(ingress, "spec", "tls") for ingress in inventory.of_kind("Ingress")):
        return ()
    evidence = await collector.ask("prometheus.query_instant", query=_FAMILIES, time=rfc3339(span.window.end))
    found: dict[str, SeenCertificate] = {}
    for series in series_of(collector, evidence):
        value = latest(series)
        instance = str(series.labels.get("instance", ""))
        host = str(series.labels.get("host") or urlsplit(instance).hostname or instance.split(":", 1)[0])
        if value is not None:
            found[host] = SeenCertificate(host, datetime.fromtimestamp(value, UTC), evidence.id)
    return tuple(found[host] for host in sorted(found))
