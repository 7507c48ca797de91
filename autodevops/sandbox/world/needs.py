"""What a batch program needs of the world when it starts: rights at the Kubernetes API, services it can reach.

Whether it gets them is judged by the objects in the cluster at that moment; the answer is in the words of its client.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from autodevops.sandbox.cluster.network import resolve
from autodevops.sandbox.cluster.rbac import ACCOUNT, User, Wish, forbidden, groups_of, judge
from autodevops.sandbox.cluster.store import Json, Store
from autodevops.sandbox.cluster.surroundings import Run
from autodevops.sandbox.world.faults.effects import Outage
from autodevops.sandbox.world.topology import Batch, Topology

ListensOn = Callable[[Json], frozenset[tuple[int, str]]]
"""(port, protocol) at which the program of a container listens."""


def refusal(
    topology: Topology, store: Store, run: Run, batch: Batch, outages: Iterable[Outage], listens_on: ListensOn
) -> str:
    """What it is told that may not or cannot; empty when it has all it needs."""
    if batch.api is not None:
        namespace = str(run.pod["metadata"]["namespace"])
        account = str(run.pod["spec"].get("serviceAccountName") or "default")
        name = f"{ACCOUNT}{namespace}:{account}"
        user = User(name, groups_of(name))
        wish = Wish(batch.api.verb, batch.api.group, batch.api.resource, namespace=namespace)
        if not (found := judge(store, user, wish)).allowed:
            return f"fatal: {forbidden(user, wish, found)}"
    now = [outage for outage in outages if outage.holds(store.now)]

    def listens(item: Json, port: int, protocol: str) -> bool:
        return any((port, protocol) in listens_on(container) for container in item["spec"]["containers"])

    for one in batch.uses:
        service = topology.by_name[one]
        if any(outage.what == "dns" and outage.amount >= 1 for outage in now):
            return f"fatal: connecting to {one}: dial tcp: lookup {service.address}: server misbehaving"
        route = resolve(store, run.pod, service.address, service.port, "TCP", listens)
        cut = {outage.target for outage in now if outage.what == "network"}
        reached = [
            backend.pod for backend in route.backends if not backend.failure and backend.pod is not None
            and backend.pod["spec"].get("nodeName") not in cut
        ]  # fmt: skip
        if not route.external and (route.failure or not reached):
            return f"fatal: connecting to {one}: {route.error or f'dial tcp {route.ip}:{route.port}: i/o timeout'}"
    return ""
