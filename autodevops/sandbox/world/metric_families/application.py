"""What the services say of themselves: the HTTP server metrics of OpenTelemetry's conventions, and their process."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autodevops.sandbox.world.metric_families.exporter import Family, Rows, Scrape, Scraped, listening, one, pod_of
from autodevops.sandbox.world.pods import Pod
from autodevops.sandbox.world.signals import BOUNDS
from autodevops.sandbox.world.world import World

_DURATION = "http_server_request_duration_seconds"
_LE = [*(f"{bound:g}" for bound in BOUNDS), "+Inf"]


class Application:
    families = (
        Family(_DURATION, "histogram", "Duration of HTTP server requests."),
        Family("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds."),
        Family("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds."),
        Family("process_resident_memory_bytes", "gauge", "Resident memory size in bytes."),
        Family("target_info", "gauge", "Target metadata: the OpenTelemetry resource."),
    )

    def targets(self, world: World) -> Iterator[Scraped]:
        for pod, service in world.programs():
            if not service.is_http or not pod.ip:
                continue
            instance = f"{pod.ip}:{service.metrics_port or service.port}"
            labels = {
                "namespace": pod.namespace,
                "pod": pod.name,
                "service": pod.service,
                "container": pod.container,
                "endpoint": service.port_name,
            }
            yield Scraped(
                pod.service,
                instance,
                f"http://{instance}/metrics",
                labels,
                pod.uid,
                pod.created_at,
                pod.deleted_at,
                listening(world, pod),
            )

    def collect(self, scrape: Scrape) -> Iterator[Rows]:
        pod = pod_of(scrape.world, scrape.target.subject)
        wanted = scrape.wanted
        if not pod.runs:  # its image was never pulled, for one: a program that never ran answers no scrape
            return
        if any(wanted(name) for name in self.families[0].series_names):
            yield from self._durations(scrape, pod)
        if wanted("process_start_time_seconds"):
            runs = pod.runs
            index = np.clip(np.searchsorted([run.started for run in runs], scrape.times, side="right") - 1, 0, None)
            yield one("process_start_time_seconds", np.array([round(run.started, 2) for run in runs])[index])
        if wanted("process_cpu_seconds_total"):
            yield one("process_cpu_seconds_total", scrape.readings.cpu_seconds(pod))
        if wanted("process_resident_memory_bytes"):
            yield one("process_resident_memory_bytes", scrape.readings.memory_bytes(pod))
        if wanted("target_info"):
            resource = {"service_name": pod.service, "service_namespace": pod.namespace, "service_version": pod.version}
            yield one("target_info", scrape.constant(1.0), **resource)

    def _durations(self, scrape: Scrape, pod: Pod) -> Iterator[Rows]:
        for counter in scrape.readings.http(pod):
            labels = {
                "http_request_method": counter.method,
                "http_route": counter.path,
                "http_response_status_code": str(counter.status),
            }
            # A client library shows a series only from its first observation on.
            begun = counter.count > 0
            if scrape.wanted(f"{_DURATION}_bucket"):
                yield Rows(f"{_DURATION}_bucket", [{**labels, "le": le} for le in _LE], counter.buckets.T, begun)
            if scrape.wanted(f"{_DURATION}_count"):
                yield Rows(f"{_DURATION}_count", [labels], np.ascontiguousarray(counter.count)[None, :], begun)
            if scrape.wanted(f"{_DURATION}_sum"):
                yield Rows(f"{_DURATION}_sum", [labels], counter.sum[None, :], begun)
