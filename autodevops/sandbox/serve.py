"""One process, one world, a port on loopback for each system: Kubernetes, Prometheus, Alertmanager, Loki, Tempo,
GitHub.

`Sandbox` serves from a background thread and is a context manager, which is what tests, the demo and the command line
use; `run` serves in the caller's event loop. What each system answers is in its own folder.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import importlib
import json
import logging
import os
import socket
import ssl
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import uvicorn

from autodevops.kernel.clock import Clock, utc_now
from autodevops.kernel.errors import UsageError
from autodevops.sandbox.basics.clocks import MovedClock
from autodevops.sandbox.basics.hashing import digest
from autodevops.sandbox.world.manifests import VIEWERS
from autodevops.sandbox.world.scenario import Scenario, Truth
from autodevops.sandbox.world.world import World

if TYPE_CHECKING:
    from autodevops.sandbox.kubernetes.certificate import ServerCertificate
    from autodevops.sandbox.prometheus.app import Watch

SYSTEMS = ("kubernetes", "prometheus", "alertmanager", "loki", "tempo", "github")
CONTROL = "control"
"""Served beside the systems when asked for; see `sandbox.control`."""
_WITH_TOKEN = ("kubernetes", "github")
_LOOK_SECONDS = 0.25  # real time between two looks at what has become due in the world
_HOST = "127.0.0.1"
_START_SECONDS = 60.0
_STOP_SECONDS = 5.0


class Sandbox:
    """A served world. `now` fixes the clock (tests), `clock` replaces it, neither means real time from now on.

    `origin` is the scenario's start, when that shall not be the time it is. `control` adds a route that lets time pass
    at once (`sandbox.control`; its clock is `sandbox.clock`), and with `now` the clock stands still between moves.
    `alertmanager_config` is the text of an alertmanager.yml: its webhooks are told of what fires. `ports` gives a
    system a port of its own (0 or absent: any free one); `systems` serves only some of them. The world itself is
    `sandbox.world`. Raises UsageError for an unknown scenario or a busy port, and for a wrong file.
    """

    def __init__(
        self,
        scenario: Scenario | str | Path = "bad-deploy",
        seed: int = 1,
        now: datetime | None = None,
        *,
        clock: Clock | None = None,
        ports: Mapping[str, int] | None = None,
        systems: Iterable[str] = SYSTEMS,
        control: bool = False,
        alertmanager_config: str = "",
        origin: datetime | None = None,
    ) -> None:
        origin = origin or now or (clock or utc_now)()
        if origin.tzinfo is None:
            raise UsageError(f"The time {origin.isoformat()} has no zone.", "Give an aware datetime.")
        source = clock or ((lambda: now) if now else utc_now)
        self.clock = source if isinstance(source, MovedClock) else MovedClock(source) if control else None
        self.world = World(scenario, seed, origin, self.clock or source)
        self.systems = (*systems, *((CONTROL,) if control else ()))
        self._alertmanager_config = _checked(alertmanager_config)
        for system in (*self.systems, *(ports or {})):
            if system not in (*SYSTEMS, CONTROL):
                raise UsageError(f"The sandbox has no system {system!r}.", f"Systems: {', '.join(SYSTEMS)}.")
        self.token = f"sandbox-{digest(seed, 'token', size=12)}"
        self._ports = dict(ports or {})
        self._addresses: dict[str, str] = {}
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._certificate: ServerCertificate | None = None

    @property
    def truth(self) -> Truth:
        """What an investigation should find."""
        return self.world.scenario.truth

    @property
    def addresses(self) -> dict[str, str]:
        """Base URL of each served system; empty before it serves."""
        return dict(self._addresses)

    def environment(self) -> dict[str, str]:
        """Settings that point at this sandbox, as AUTODEVOPS_* variables (Kubernetes comes by `write_kubeconfig`)."""
        found = {
            f"AUTODEVOPS_{system.upper()}__URL": address
            for system, address in self._addresses.items()
            if system not in ("kubernetes", CONTROL)
        }
        if "github" in self._addresses:
            found["AUTODEVOPS_GITHUB__TOKEN"] = self.token
            found["AUTODEVOPS_GITHUB__REPOSITORIES"] = self.world.topology.repository
        return found

    def write_kubeconfig(self, path: str | Path) -> Path:
        """Write a kubeconfig, readable by its owner alone: context `sandbox` is the administrator's, `viewer` that of
        somebody who may only look into the topology's namespace. Raises UsageError."""
        target = Path(path)
        text = json.dumps(self.kubeconfig(), indent=2) + "\n"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f".{target.name}.{os.getpid()}.part")
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(text)
            part.replace(target)
        except OSError as error:
            raise UsageError(f"The kubeconfig {target} cannot be written: {error}.", "Choose another path.") from error
        return target

    def kubeconfig(self) -> dict[str, Any]:
        """The kubeconfig as data (JSON is YAML)."""
        cluster = {"server": self._addresses.get("kubernetes", "")}
        if self._certificate is not None:
            cluster["certificate-authority-data"] = base64.b64encode(self._certificate.authority).decode()
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "sandbox",
            "clusters": [{"name": "sandbox", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": token}} for user, token in self._tokens().items()],
            "contexts": [
                {
                    "name": user,
                    "context": {"cluster": "sandbox", "user": user, "namespace": self.world.topology.namespace},
                }
                for user in self._tokens()
            ],
        }

    def _tokens(self) -> dict[str, str]:
        from autodevops.sandbox.kubernetes.access import token_for

        return {"sandbox": self.token, "viewer": token_for(self.token, "viewer", [VIEWERS])}

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Serve from a background thread; returns when every system answers."""
        if self._thread is not None:
            raise UsageError("This sandbox is already serving.", "Make another one.")
        ready = threading.Event()

        def serve() -> None:
            try:
                asyncio.run(self._serve_until_stopped(ready.set))
            except BaseException as failure:  # noqa: BLE001 - handed to the thread that waits below
                self._failure = failure
            finally:
                ready.set()

        self._thread = threading.Thread(target=serve, name="sandbox", daemon=True)
        self._thread.start()
        in_time = ready.wait(_START_SECONDS)
        if self._failure is not None or not in_time:
            failure = self._failure
            self.stop()
            raise failure or UsageError(
                f"The sandbox did not start within {_START_SECONDS:g} s.", "Try again when the machine is less busy."
            )

    def stop(self) -> None:
        """End the servers and the thread. Harmless when nothing serves."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                loop.call_soon_threadsafe(stop.set)
        thread.join(_STOP_SECONDS)
        for helper in threading.enumerate():
            if loop is not None and getattr(helper, "loop", None) is loop:  # anyio's workers end just after their loop
                helper.join(_STOP_SECONDS)
        self._addresses = {}

    async def serve(self, ready: Callable[[], None], stop: asyncio.Event) -> None:
        """Serve in the running event loop until `stop` is set; `ready` is called when every system answers."""
        sockets = _bind({system: self._ports.get(system, 0) for system in self.systems})
        servers: dict[str, _Server] = {}
        apps: dict[str, Any] = {}
        try:
            for system in self.systems:
                apps[system] = self._app(system, apps)
                servers[system] = _Server(
                    uvicorn.Config(
                        apps[system],
                        lifespan="off",
                        log_config=None,
                        access_log=False,
                        ws="websockets-sansio" if system == "loki" else "none",  # Loki tails over a websocket
                        server_header=False,
                        timeout_graceful_shutdown=1,
                        timeout_keep_alive=30,
                    ),
                    self._tls() if system == "kubernetes" else None,
                )
        except BaseException:
            for one in sockets.values():
                one.close()
            raise
        self._addresses = {
            system: f"{'https' if system == 'kubernetes' else 'http'}://{_HOST}:{one.getsockname()[1]}"
            for system, one in sockets.items()
        }
        due = _due(apps)
        tasks = [asyncio.create_task(servers[system].serve([sockets[system]])) for system in self.systems]
        try:
            await asyncio.gather(*(server.listening.wait() for server in servers.values()))
            ready()
            await _look_after(due, stop)
        finally:
            with _unheard(logging.getLogger("uvicorn.error")):  # answers nobody waits for any more are no errors
                for system, server in servers.items():
                    apps[system].state.closing = True  # long answers (watches) look at it
                    server.should_exit = True
                await asyncio.gather(*tasks)
                for server in servers.values():
                    server.drop_connections()
                await asyncio.sleep(0)  # lets the transports close before the loop does

    async def _serve_until_stopped(self, ready: Callable[[], None]) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await self.serve(ready, self._stop)

    def _tls(self) -> ssl.SSLContext:
        from autodevops.sandbox.kubernetes.certificate import make_certificate

        self._certificate = make_certificate(_HOST, utc_now())
        return self._certificate.context

    def _app(self, system: str, others: Mapping[str, Any]) -> Any:
        create = importlib.import_module(f"autodevops.sandbox.{system}.app").create_app
        if system == CONTROL:
            return create(self.world, self.token, self.clock, _due(others))
        if system == "alertmanager":
            return create(self.world, self._alertmanager_config, self.watched)
        if system == "prometheus":
            return create(self.world, self.watched)
        return create(self.world, self.token) if system in _WITH_TOKEN else create(self.world)

    @functools.cached_property
    def watched(self) -> Watch:
        """What is scraped from the world, and the rules over it."""
        from autodevops.sandbox.prometheus.app import watch

        return watch(self.world)


async def run(
    scenario: Scenario | str | Path = "bad-deploy",
    seed: int = 1,
    ports: Mapping[str, int] | None = None,
    kubeconfig_path: str | Path | None = None,
    ready: Callable[[Sandbox], None] | None = None,
    alertmanager_config: str = "",
) -> None:
    """Serve a scenario in this event loop until cancelled; `ready` is called once with everything in place."""
    sandbox = Sandbox(scenario, seed, ports=ports, alertmanager_config=alertmanager_config)

    def announce() -> None:
        if kubeconfig_path is not None:
            sandbox.write_kubeconfig(kubeconfig_path)
        if ready is not None:
            ready(sandbox)

    await sandbox.serve(announce, asyncio.Event())


def _due(apps: Mapping[str, Any]) -> list[Callable[[], None]]:
    """What the systems have to do as time passes, beside answering."""
    return [app.state.advance for app in apps.values() if hasattr(app.state, "advance")]


async def _look_after(due: Iterable[Callable[[], None]], stop: asyncio.Event) -> None:
    """Until `stop`: see again and again to what has become due."""
    while not stop.is_set():
        for advance in due:
            await asyncio.to_thread(advance)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _LOOK_SECONDS)


def _checked(alertmanager_config: str) -> str:
    if alertmanager_config:
        from autodevops.sandbox.alertmanager.config import ConfigError, parse_config

        try:
            parse_config(alertmanager_config)
        except ConfigError as error:
            raise UsageError(f"The Alertmanager configuration is wrong: {error}.", "Correct it.") from error
    return alertmanager_config


@contextlib.contextmanager
def _unheard(log: logging.Logger) -> Generator[None, None, None]:
    def nothing(_record: logging.LogRecord) -> bool:
        return False

    log.addFilter(nothing)
    try:
        yield
    finally:
        log.removeFilter(nothing)


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to whoever runs it and says when it listens. `tls` comes from memory."""

    def __init__(self, config: uvicorn.Config, tls: ssl.SSLContext | None) -> None:
        config.load()
        config.ssl = tls
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    def drop_connections(self) -> None:
        """End what outlived the time for a graceful end: an answer nobody waits for any more."""
        for connection in list(self.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()


def _bind(ports: Mapping[str, int]) -> dict[str, socket.socket]:
    bound: dict[str, socket.socket] = {}
    for system, port in ports.items():
        one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((_HOST, port))
        except (OSError, OverflowError) as error:
            for other in (one, *bound.values()):
                other.close()
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise UsageError(
                f"Port {port} on {_HOST}, wanted for {system}, cannot be used: {reason}.",
                "Stop what uses it, or choose another port (0 takes any free one).",
            ) from error
        bound[system] = one
    return bound
