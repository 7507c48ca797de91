"""What is watched from outside: blackbox probes of the front door and the cluster's own API, volumes as kubelets see
them, CoreDNS's own numbers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

import numpy as np

from autodevops.sandbox.basics import hashing
from autodevops.sandbox.basics.quantities import parse_quantity
from autodevops.sandbox.world.metric_families.exporter import (
    Family,
    Floats,
    Mask,
    Rows,
    Scrape,
    Scraped,
    node_address,
    one,
)
from autodevops.sandbox.world.metric_families.node import held
from autodevops.sandbox.world.world import World

_USED = 0.35  # share of a volume that is used when all is well

_PROBE = (
    ("probe_success", "gauge", "Displays whether or not the probe was a success"),
    ("probe_duration_seconds", "gauge", "Returns how long the probe took to complete in seconds"),
    ("probe_http_status_code", "gauge", "Response HTTP status code"),
    ("probe_ssl_earliest_cert_expiry", "gauge", "Returns last SSL chain expiry in unixtime"),
)
_VOLUME = (
    ("kubelet_volume_stats_capacity_bytes", "gauge", "Capacity in bytes of the volume"),
    ("kubelet_volume_stats_available_bytes", "gauge", "Number of available bytes in the volume"),
    ("kubelet_volume_stats_used_bytes", "gauge", "Number of used bytes in the volume"),
)
_DNS = (
    ("coredns_dns_requests_total", "counter", "Counter of DNS requests made per zone, protocol and family."),
    ("coredns_dns_responses_total", "counter", "Counter of response status codes."),
)


class Blackbox:
    """Probes the hosts of Ingresses over HTTPS, and each node's kube-proxy health check."""

    families = tuple(Family(name, kind, text) for name, kind, text in _PROBE)  # type: ignore[arg-type]

    def targets(self, world: World) -> Iterator[Scraped]:
        for host in _hosts(world):
            yield Scraped(
                "blackbox", f"https://{host}/", "http://10.244.1.251:9115/probe", {"service": "ingress"}, host
            )
        for node in world.nodes:
            address = f"http://{node_address(world, node.name)}:10256/healthz"
            labels = {"service": "kube-proxy", "node": node.name}
            yield Scraped("blackbox", address, "http://10.244.1.251:9115/probe", labels, node.name)

    def collect(self, scrape: Scrape) -> Iterator[Rows]:
        node = next((one for one in scrape.world.nodes if one.name == scrape.target.subject), None)
        if node is not None:
            down = held(scrape, "kube-proxy", node) + held(scrape, "network", node) > 0
            yield from _asked(scrape, down, np.full(len(scrape.times), 0.002))
            return
        entry = scrape.world.topology.entry
        ended = _certificate_end(scrape)
        failed = (scrape.readings.error_ratio(entry) > 0.5) | (scrape.times >= ended)
        yield from _asked(scrape, failed, np.maximum(scrape.readings.latency_mean(entry), 0.004))
        if scrape.wanted("probe_ssl_earliest_cert_expiry"):
            yield one("probe_ssl_earliest_cert_expiry", np.floor(ended))


class Volumes:
    """The kubelets' numbers on the volumes of pods."""

    families = tuple(Family(name, kind, text) for name, kind, text in _VOLUME)  # type: ignore[arg-type]

    def targets(self, world: World) -> Iterator[Scraped]:
        for node in world.nodes:
            instance = f"{node_address(world, node.name)}:10250"
            labels = {"node": node.name, "metrics_path": "/metrics", "service": "kubelet"}
            yield Scraped("kubelet", instance, f"https://{instance}/metrics", labels, f"volumes {node.name}")

    def collect(self, scrape: Scrape) -> Iterator[Rows]:
        node = scrape.target.subject.removeprefix("volumes ")
        for pod in scrape.world.all_pods():
            if pod.node != node or not scrape.readings.exists(pod).any():
                continue
            for volume in pod.spec.get("volumes") or ():
                name = volume.get("persistentVolumeClaim", {}).get("claimName")
                claim = scrape.world.claim(pod.namespace, name) if name else None
                if claim is None:
                    continue
                size = float(parse_quantity(str(claim["spec"]["resources"]["requests"]["storage"])))
                used = np.floor(size * _share_used(scrape, name))
                labels = {"namespace": pod.namespace, "persistentvolumeclaim": name}
                exists = scrape.readings.running(pod)
                for metric, values in (
                    ("capacity", np.full(len(used), size)),
                    ("available", size - used),
                    ("used", used),
                ):
                    if scrape.wanted(f"kubelet_volume_stats_{metric}_bytes"):
                        yield one(f"kubelet_volume_stats_{metric}_bytes", values, exists, **labels)


class CoreDns:
    """Look-ups that services make, and how they are answered."""

    families = tuple(Family(name, kind, text) for name, kind, text in _DNS)  # type: ignore[arg-type]

    def targets(self, world: World) -> Iterator[Scraped]:
        for pod, service in world.programs():
            if service.port == 53 and pod.ip:
                labels = {"namespace": pod.namespace, "pod": pod.name, "service": "kube-dns"}
                instance = f"{pod.ip}:9153"
                spans = tuple((run.started, run.ended) for run in pod.runs)
                yield Scraped(
                    "coredns", instance, f"http://{instance}/metrics", labels, pod.uid, pod.created_at, pod.deleted_at,
                    spans,
                )  # fmt: skip

    def collect(self, scrape: Scrape) -> Iterator[Rows]:
        rate = 14.0 + 3.0 * hashing.uniform("dns", scrape.target.subject)
        every = rate * (scrape.times - scrape.target.start)
        failed = scrape.constant(0.0)
        for outage in scrape.world.outages:
            if outage.what == "dns":
                failed += rate * outage.amount * (np.clip(scrape.times, outage.start, outage.end) - outage.start)
        zone = {"server": "dns://:53", "zone": "."}
        if scrape.wanted("coredns_dns_requests_total"):
            yield one("coredns_dns_requests_total", np.floor(every), **zone, proto="udp", type="A")
        if scrape.wanted("coredns_dns_responses_total"):
            yield one("coredns_dns_responses_total", np.floor(every - failed), **zone, rcode="NOERROR")
            yield one("coredns_dns_responses_total", np.floor(failed), **zone, rcode="SERVFAIL")


def _asked(scrape: Scrape, failed: Mask, seconds: Floats) -> Iterator[Rows]:
    if scrape.wanted("probe_success"):
        yield one("probe_success", (~failed).astype(np.float64))
    if scrape.wanted("probe_duration_seconds"):
        yield one("probe_duration_seconds", seconds)
    if scrape.wanted("probe_http_status_code"):
        yield one("probe_http_status_code", np.where(failed, 0.0, 200.0))


def _hosts(world: World) -> list[str]:
    found = [item for item in world.topology.manifests if item["kind"] == "Ingress"]
    return [host for item in found for tls in item["spec"].get("tls", ()) for host in tls["hosts"]]


def _certificate_end(scrape: Scrape) -> Floats:
    """When the certificate shown at each time ends (epoch s), read from the Secret of the Ingress at that time."""
    import base64

    from cryptography import x509

    ends = scrape.constant(np.inf)
    for versions in scrape.world.versions("Secret"):
        for version in versions:
            data = (version.object or {}).get("data", {}).get("tls.crt")
            if not data:
                continue
            certificate = x509.load_pem_x509_certificate(base64.b64decode(data))
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            if scrape.target.subject in names.get_values_for_type(x509.DNSName):
                end = certificate.not_valid_after_utc.astimezone(UTC).timestamp()
                ends = np.where(scrape.times >= version.at, end, ends)
    return ends


def _share_used(scrape: Scrape, claim: str) -> Floats:
    used = scrape.constant(_USED + 0.1 * hashing.uniform("volume", claim))
    for outage in scrape.world.outages:
        if outage.what == "volume" and outage.target == claim:
            over = max(outage.delay, 1.0)
            risen = np.clip((scrape.times - outage.start) / over, 0.0, 1.0)
            there = (scrape.times >= outage.start) & (scrape.times < outage.end)
            used = np.where(there, used + (outage.amount - used) * risen, used)
    return used
