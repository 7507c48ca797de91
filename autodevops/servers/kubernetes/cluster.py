"""One cluster: its kinds, its objects by name, pages of them, and one patch. The tools' files stand on this.

Everything blocks. It remembers which kinds there are, and nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeAlias, TypeVar

from autodevops.domain.tool_results import ClusterContext
from autodevops.kernel.errors import ToolDenied, ToolNotFound, ToolRejected
from autodevops.servers._arguments import near
from autodevops.servers._failures import unlike
from autodevops.servers.kubernetes.api import KubernetesApi, Reply
from autodevops.servers.kubernetes.discovery import ResourceType, discover, resolve, unknown_kind

PAGE = 500  # objects in one request, as kubectl asks
MAX_OBJECTS = 10_000

NAMESPACES = ResourceType(group="", version="v1", plural="namespaces", kind="Namespace", namespaced=False)
EVENTS = ResourceType(group="", version="v1", plural="events", kind="Event", namespaced=True)
PODS = ResourceType(group="", version="v1", plural="pods", kind="Pod", namespaced=True)
NODES = ResourceType(group="", version="v1", plural="nodes", kind="Node", namespaced=False)

PATCH_TYPES = {
    "strategic": "application/strategic-merge-patch+json",
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
}
FIELD_MANAGER = "autodevops"  # who managedFields says wrote it

_NAMES_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

Params = Sequence[tuple[str, str]]
Object: TypeAlias = dict[str, Any]
Kept = TypeVar("Kept")


def selecting(labels: str = "", fields: str = "") -> list[tuple[str, str]]:
    """The parameters that choose among the objects of a collection."""
    return [(name, text) for name, text in (("labelSelector", labels), ("fieldSelector", fields)) if text]


class Cluster:
    def __init__(self, api: KubernetesApi) -> None:
        self.api = api
        self._types: tuple[ResourceType, ...] = ()
        self._lock = threading.Lock()
        self._looking: Future[tuple[ResourceType, ...]] | None = None

    @property
    def place(self) -> str:
        return self.api.connection().system.place

    def context(self) -> ClusterContext:
        """Raises ToolNotFound where there is no kubeconfig and nobody names one: then no cluster is meant."""
        if not self.api.is_set_up():
            raise ToolNotFound("There is no kubeconfig, and none is named.", "If there is a cluster, set KUBECONFIG.")
        connection = self.api.connection()
        return ClusterContext(
            context=connection.context,
            cluster=connection.cluster,
            server=connection.client.configuration.host,
            namespace=connection.namespace,
        )

    def types(self, *, fresh: bool = False) -> tuple[ResourceType, ...]:
        """The kinds the cluster has. Who asks while another is looking hears what that one hears, a failure too."""
        if self._types and not fresh:
            return self._types
        with self._lock:
            if self._types and not fresh:
                return self._types
            looking, mine = self._looking, self._looking is None
            if looking is None:
                looking = self._looking = Future()
        if mine:
            try:
                self._types = self._discovered()
                looking.set_result(self._types)
            except BaseException as error:  # whoever waits must not wait for ever
                looking.set_exception(error)
                raise
            finally:
                self._looking = None
        return looking.result()

    def _discovered(self) -> tuple[ResourceType, ...]:
        try:
            return discover(self.api)
        except (KeyError, TypeError, AttributeError) as error:
            raise unlike(self.api.connection().system, "discovery of another shape") from error

    def type_of(self, word: str) -> ResourceType:
        """The kind meant; a kind not seen before is looked for again, as it may just have been installed."""
        found = resolve(word, self.types()) or resolve(word, self.types(fresh=True))
        if found is None:
            raise unknown_kind(word, self._types)
        return found

    def workload_type(self, word: str, kinds: Sequence[str], what: str) -> ResourceType:
        """One of apps' `kinds`. Raises ToolRejected for a kind that `what` cannot be done with."""
        kind = self.type_of(word)
        if kind.group != "apps" or kind.kind not in kinds:
            choices = f"{', '.join(kinds[:-1])} or {kinds[-1]}"
            raise ToolRejected(f"{kind.kind} {what}.", f"Name a {choices}.")
        return kind

    def namespace_of(self, kind: ResourceType, namespace: str) -> str:
        """`namespace`, else the kubeconfig context's; "" for kinds without."""
        if not kind.namespaced:
            return ""
        return namespace or self.api.connection().namespace

    def read_object(self, kind: ResourceType, name: str, namespace: str) -> Object:
        """Raises ToolNotFound, naming the namespace first and what there is instead."""
        try:
            return self.api.get(kind.path(namespace, name), missing=f"{kind.kind} {name}")
        except ToolNotFound as error:
            raise self.not_found(kind, name, namespace) from error

    def write(
        self,
        method: str,
        path: str,
        body: object,
        *,
        dry_run: bool,
        missing: str,
        patch_type: str = "",
        params: Params = (),
    ) -> Reply:
        """One write, checked by the cluster in full; with `dry_run` nothing of it is kept."""
        query = [*params, *([("fieldManager", FIELD_MANAGER)] if method != "DELETE" else [])]
        query += [("dryRun", "All")] if dry_run else []
        content_type = PATCH_TYPES[patch_type] if patch_type else "application/json"
        return self.api.ask(method, path, query, body, missing=missing, content_type=content_type)

    def page(self, path: str, params: Params, limit: int, missing: str) -> tuple[list[Object], int]:
        """Up to `limit` objects, and how many more there are (-1: some)."""
        return self.page_of(lambda item: item, path, params, limit, missing)

    def page_of(
        self, keep: Callable[[Object], Kept], path: str, params: Params, limit: int, missing: str
    ) -> tuple[list[Kept], int]:
        """The same, of each object what is to be kept: of thousands, only one request's are ever there in full."""
        items: list[Kept] = []
        following = ""
        while True:
            query = [*params, ("limit", str(min(PAGE, limit - len(items))))]
            query += [("continue", following)] if following else []
            answer = self.api.get(path, query, missing=missing)
            items += map(keep, answer.get("items") or [])
            metadata = answer.get("metadata") or {}
            following = metadata.get("continue") or ""
            if not following or len(items) >= limit:
                beyond = len(items) - limit  # servers without paging send everything
                return items[:limit], int(metadata.get("remainingItemCount") or -1) if following else max(beyond, 0)

    def names(self, kind: ResourceType, namespace: str) -> Sequence[str]:
        path = kind.path(namespace)
        answer = self.api.get(path, [("limit", str(PAGE))], missing=f"Kind {kind.kind}", accept=_NAMES_ONLY)
        return [item["metadata"]["name"] for item in answer.get("items") or []]

    def require_namespace(self, namespace: str) -> None:
        """Raise ToolNotFound when it does not exist: the API server itself just answers an empty list."""
        if not namespace:
            return
        try:
            self.api.get(NAMESPACES.path(name=namespace), missing=f"Namespace {namespace}")
        except ToolDenied:
            return  # not allowed to look: then an empty list is all that can be said
        except ToolNotFound as error:
            names = self.names(NAMESPACES, "")
            raise ToolNotFound(
                f"Namespace {namespace} does not exist in {self.place}.", near(namespace, names)
            ) from error

    def not_found(self, kind: ResourceType, name: str, namespace: str) -> ToolNotFound:
        """Names what is missing, the namespace first, and what there is instead."""
        if kind.namespaced:
            self.require_namespace(namespace)
        where = f" in namespace {namespace} of" if namespace else " in"
        try:
            hint = near(name, self.names(kind, namespace))
        except ToolDenied:
            hint = "Correct the name."
        return ToolNotFound(f"{kind.kind} {name} does not exist{where} {self.place}.", hint)
