"""What the API server serves: a cluster, a clock, and what the cluster itself does not keep, container logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from autodevops.sandbox.cluster.cluster import Cluster


class Served(Protocol):
    """A cluster with its clock and the output of its containers."""

    @property
    def cluster(self) -> Cluster: ...

    def now(self) -> float:
        """The moment it is there (epoch seconds)."""

    def container_log(
        self, namespace: str, pod: str, container: str, *, previous: bool, since: float | None, tail: int | None
    ) -> Sequence[tuple[float, str]]:
        """Lines with their moments, oldest first; of the run before the present one when `previous`.

        Raises KeyError when that container never ran.
        """
