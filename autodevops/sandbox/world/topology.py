"""What runs: services, their routes and calls, their workloads, and the nodes under them. Read from YAML.

Only the entry declares traffic from outside; every other service is as busy as its callers make it.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from autodevops.kernel.errors import UsageError
from autodevops.sandbox.basics.moments import Seconds
from autodevops.sandbox.world.faults.effects import ExceptionText

Language = Literal["go", "java", "python", "nodejs", "dotnet", "none"]
Protocol = Literal["http", "postgresql", "redis", "amqp"]
Kind = Literal["Deployment", "StatefulSet", "DaemonSet", "External"]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Call(_Data):
    """One call a route makes: `count` times per request, to `route` of `service`. Calls are made in order.

    A failed call fails its caller unless `optional` (the caller answers without it). With `on_miss_of` it is made only
    for what that cache does not have: `count` holds at the cache's usual hit ratio.
    """

    service: str
    route: str
    count: float = Field(default=1.0, gt=0)
    optional: bool = False
    on_miss_of: str = ""


class Route(_Data):
    """`median` (s) and `sigma` describe the log-normal time the service itself takes, without its calls.

    `client_errors` is the share answered with `client_status`; `weight` shares the entry's traffic.
    """

    name: str
    method: str = "GET"
    path: str
    weight: float = 0.0
    median: Seconds = 0.01
    sigma: float = 0.45
    errors: float = Field(default=0.0005, ge=0, le=1)
    client_errors: float = Field(default=0.0, ge=0, le=1)
    client_status: int = 404
    status: int = 200
    statement: str = ""
    calls: tuple[Call, ...] = ()


class Resources(_Data):
    cpu_request: str = "100m"
    memory_request: str = "128Mi"
    cpu_limit: str = "500m"
    memory_limit: str = "256Mi"


class Consumes(_Data):
    """What a worker takes from a queue: each message published to `queue` becomes a request to `route`, as fast as
    `concurrency` of them at a time in each pod allow."""

    queue: str
    publish: str
    route: str
    concurrency: int = 4


class Service(_Data):
    """One service and the workload behind it. What is `External` runs elsewhere: it is called, and not seen otherwise.

    `versions` are the released ones, oldest first; `deployed` is how long before the start the last one went out.
    `cpu_ms` is processor time per request, `memory` the resident set of a pod in MiB. `env` and `secret` are what the
    program needs in its environment, `password` the one of them it shows to its databases (for a database: the one it
    was set up with). `timeout` is how long it waits for a call.
    """

    name: str
    summary: str = ""
    kind: Kind = "Deployment"
    namespace: str = "shop"
    language: Language = "go"
    protocol: Protocol = "http"
    owner: str = "platform"
    image: str = ""
    versions: tuple[str, ...] = Field(min_length=1)
    deployed: Seconds = 3 * 86400.0
    replicas: int = 2
    port: int = 8080
    port_name: str = "http"
    metrics_port: int = 0
    requests_per_second: float = 0.0
    routes: tuple[Route, ...] = ()
    resources: Resources = Resources()
    cpu_ms: float = 4.0
    cpu_idle: float = 0.004
    memory: float = 90.0
    probe: str = "/healthz"
    env: dict[str, str] = {}
    config: dict[str, str] = {}
    secret: dict[str, str] = {}
    password: str = ""
    timeout: Seconds = 2.0
    storage: str = ""
    hpa_max: int = 0
    hit_ratio: float = Field(default=0.0, ge=0, lt=1)
    max_connections: int = 0
    consumes: Consumes | None = None
    exception: ExceptionText = ExceptionText(type="TimeoutError", message="upstream request timed out")

    @property
    def is_http(self) -> bool:
        return self.protocol == "http" and bool(self.routes)

    @property
    def address(self) -> str:
        """The host name its callers use."""
        return f"{self.name}.example" if self.kind == "External" else self.name

    @property
    def repository(self) -> str:
        """The image without its tag."""
        return self.image or f"registry.example/{self.namespace}/{self.name}"

    @cached_property
    def callees(self) -> tuple[str, ...]:
        """Names of the services it calls, in no particular order."""
        return tuple(sorted({call.service for route in self.routes for call in route.calls}))

    @cached_property
    def _route_by_name(self) -> dict[str, Route]:
        return {route.name: route for route in self.routes}

    def route(self, name: str) -> Route:
        return self._route_by_name[name]


class Node(_Data):
    name: str
    cpu: int = 8
    memory_gib: int = 32
    zone: str = "zone-a"


class ApiAccess(_Data):
    """What a program asks the Kubernetes API when it starts, in its own namespace, as its pod's ServiceAccount."""

    verb: str
    resource: str
    group: str = ""


class Batch(_Data):
    """A program that is no service: it runs for `seconds`, prints `lines` and ends; without `seconds` it stays.

    `memory` is in MiB, `cpu` in cores. `uses` are services it must reach by their usual address, and `api` what its
    ServiceAccount must be allowed, or it fails. Faults know it by its `name`.
    """

    image: str
    versions: tuple[str, ...]
    seconds: float | None = None
    memory: float = 40.0
    cpu: float = 0.1
    lines: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    api: ApiAccess | None = None

    @property
    def name(self) -> str:
        return self.image.rpartition("/")[2]


class Registry(_Data):
    """The private registry of the house: pulling from `host` needs the credentials in `secret`."""

    host: str
    secret: str


class Topology(_Data):
    """`manifests` are further objects as people would apply them, in the namespace of the topology unless they say."""

    name: str
    namespace: str
    repository: str
    """The GitHub repository of the code, `owner/name`."""
    entry: str
    nodes: tuple[Node, ...] = Field(min_length=1)
    services: tuple[Service, ...] = Field(min_length=1)
    registry: Registry | None = None
    batches: tuple[Batch, ...] = ()
    manifests: tuple[dict[str, Any], ...] = ()

    @model_validator(mode="after")
    def _calls_lead_somewhere(self) -> Topology:
        routes = {(service.name, route.name) for service in self.services for route in service.routes}
        for service in self.services:
            for route in service.routes:
                for call in route.calls:
                    if (call.service, call.route) not in routes:
                        raise ValueError(f"{service.name}.{route.name} calls {call.service}.{call.route}, unknown")
        return self

    @cached_property
    def by_name(self) -> dict[str, Service]:
        return {service.name: service for service in self.services}

    @cached_property
    def by_repository(self) -> dict[str, Service]:
        """Which program an image without its tag is."""
        return {service.repository: service for service in self.services if service.kind != "External"}

    @cached_property
    def routes(self) -> dict[tuple[str, str], Route]:
        """Every route by the names of its service and itself."""
        return {(service.name, route.name): route for service in self.services for route in service.routes}

    @cached_property
    def http_services(self) -> tuple[Service, ...]:
        return tuple(service for service in self.services if service.is_http)

    @cached_property
    def callers_first(self) -> tuple[tuple[Service, Route], ...]:
        """Every route after all routes that call it, or fill its queue. Raises UsageError on a cycle."""
        order: list[tuple[Service, Route]] = []
        state: dict[tuple[str, str], int] = {}

        def visit(service: Service, route: Route) -> None:
            key = (service.name, route.name)
            if state.get(key) == 2:
                return
            if state.get(key) == 1:
                raise UsageError(f"Topology {self.name}: {key[0]}.{key[1]} calls itself in a circle.", "Break it.")
            state[key] = 1
            for call in route.calls:
                callee = self.by_name[call.service]
                visit(callee, callee.route(call.route))
            for worker in self.services:
                if (taken := worker.consumes) and (taken.queue, taken.publish) == key:
                    visit(worker, worker.route(taken.route))
            state[key] = 2
            order.append((service, route))

        for service in self.services:
            for route in service.routes:
                visit(service, route)
        return tuple(reversed(order))


@lru_cache(maxsize=8)
def load_topology(which: str) -> Topology:
    """The shipped topology of that name, or the one in the YAML file at that path. Raises UsageError."""
    folder = files("autodevops.sandbox.world") / "topologies"
    entry = Path(which) if which.endswith(".yaml") else folder / f"{which}.yaml"
    if not entry.is_file():
        known = ", ".join(sorted(e.name.removesuffix(".yaml") for e in folder.iterdir() if e.name.endswith(".yaml")))
        raise UsageError(f"There is no topology {which!r}.", f"Topologies: {known}, or the path of a .yaml file.")
    try:
        return Topology.model_validate(yaml.safe_load(entry.read_text("utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise UsageError(f"The topology {which} is wrong: {error}.", "Correct that field.") from error
