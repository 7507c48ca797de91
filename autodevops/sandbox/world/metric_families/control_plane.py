"""The control plane's own endpoints: whether scheduler and controller manager answer, and who of them leads."""

from __future__ import annotations

from collections.abc import Iterator

from autodevops.sandbox.world.metric_families.exporter import Family, Rows, Scrape, Scraped, one
from autodevops.sandbox.world.metric_families.node import without
from autodevops.sandbox.world.world import World

_PORTS = {"kube-scheduler": 10259, "kube-controller-manager": 10257}
_HOST = "10.0.0.2"
_HELP = (
    "Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master. "
    "'name' is the string used to identify the lease. Please make sure to group by name."
)


class ControlPlane:
    families = (Family("leader_election_master_status", "gauge", _HELP),)

    def targets(self, world: World) -> Iterator[Scraped]:
        for name, port in _PORTS.items():
            down = [(o.start, o.end) for o in world.outages if o.what == "component" and o.target == name]
            labels = {"namespace": "kube-system", "service": name}
            instance = f"{_HOST}:{port}"
            yield Scraped(name, instance, f"https://{instance}/metrics", labels, name, answers=without(down))

    def collect(self, scrape: Scrape) -> Iterator[Rows]:
        if scrape.wanted("leader_election_master_status"):
            yield one("leader_election_master_status", scrape.constant(1.0), name=scrape.target.subject)
