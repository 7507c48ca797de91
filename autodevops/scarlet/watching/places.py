"""Which workload a pod, a label or a service name speaks of, in every namespace: the engine's inventory, made of a
listing that has only what it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Inventory, Object, build, metadata

OWNED: Final = ("Deployment", "StatefulSet", "DaemonSet", "Pod", "Service", "Job")
"""The kinds that tell who belongs to whom."""
SERVICE: Final = "opentelemetry.io"
"""The api version of a service that is known by name alone."""


@dataclass
class Places:
    """Objects by kind, of all namespaces; an inventory is built when one of its namespace is first asked for."""

    objects: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    _built: dict[str, Inventory] = field(default_factory=dict)
    _split: dict[str, dict[str, list[Object]]] | None = None

    @property
    def known(self) -> bool:
        return bool(self.objects)

    def inventory(self, namespace: str) -> Inventory:
        if namespace not in self._built:
            self._built[namespace] = build(namespace, self._of(namespace), known=self.known)
        return self._built[namespace]

    def workload(self, subject: Subject) -> Subject:
        """The workload of a pod, a job, or a service as telemetry names it; or the subject itself."""
        if subject.kind in ("Pod", "Job"):
            return self.inventory(subject.namespace).of_owner(subject.kind, subject.name) or subject
        if subject.api_version == SERVICE:
            return self.inventory(subject.namespace).of_name(subject.name) or subject
        return subject

    def _of(self, namespace: str) -> Mapping[str, list[Object]]:
        if self._split is None:
            self._split = {}
            for kind in OWNED:
                for item in self.objects.get(kind, ()):
                    where = str(metadata(item).get("namespace") or "")
                    self._split.setdefault(where, {}).setdefault(kind, []).append(item)
        return self._split.get(namespace, {})
