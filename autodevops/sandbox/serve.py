"""One process, one world, a port on loopback for each system: Kubernetes, Prometheus, Alertmanager, Loki, Tempo,
GitHub.

`Sandbox` serves from a background thread and is a context manager, which is what tests, the demo and the command line
use; `run` serves in the caller's event loop. What each system answers is in its own folder.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import importlib
import json
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
from autodevops.sandbox.basics.hashing import digest
from autodevops.sandbox.world.scenario import Scenario, Truth
from autodevops.sandbox.world.world import World

if TYPE_CHECKING:
    from autodevops.sandbox.kubernetes.certificate import ServerCertificate

SYSTEMS = ("kubernetes", "prometheus", "alertmanager", "loki", "tempo", "github")
_WITH_TOKEN = ("kubernetes", "github")
_HOST = "127.0.0.1"
_START_SECONDS = 15.0
_STOP_SECONDS = 5.0


class Sandbox:
    """A served world. `now` fixes the clock (tests), `clock` replaces it, neither means real time from now on.

    `ports` gives a system a port of its own (0 or absent: any free one); `systems` serves only some of them. The world
    itself is `sandbox.world`. Raises UsageError for an unknown scenario, a bad scenario file or a busy port.
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
    ) -> None:
        origin = now or (clock or utc_now)()
        if origin.tzinfo is None:
            raise UsageError(f"The time {origin.isoformat()} has no zone.", "Give an aware datetime.")
        self.world = World(scenario, seed, origin, clock or ((lambda: origin) if now else utc_now))
        self.systems = tuple(systems)
        for system in (*self.systems, *(ports or {})):
            if system not in SYSTEMS:
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
            if system != "kubernetes"
        }
        if "github" in self._addresses:
            found["AUTODEVOPS_GITHUB__TOKEN"] = self.token
            found["AUTODEVOPS_GITHUB__REPOSITORIES"] = self.world.topology.repository
        return found

    def write_kubeconfig(self, path: str | Path) -> Path:
        """Write a kubeconfig with one context, `sandbox`; readable by its owner alone. Raises UsageError."""
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
            "users": [{"name": "sandbox", "user": {"token": self.token}}],
            "contexts": [
                {
                    "name": "sandbox",
                    "context": {"cluster": "sandbox", "user": "sandbox", "namespace": self.world.topology.namespace},
                }
            ],
        }

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
                apps[system] = self._app(system)
                servers[system] = _Server(
                    uvicorn.Config(
                        apps[system],
                        lifespan="off",
                        log_config=None,
                        access_log=False,
                        ws="none",
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
        tasks = [asyncio.create_task(servers[system].serve([sockets[system]])) for system in self.systems]
        try:
            await asyncio.gather(*(server.listening.wait() for server in servers.values()))
            ready()
            await stop.wait()
        finally:
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

    def _app(self, system: str) -> Any:
        create = importlib.import_module(f"autodevops.sandbox.{system}.app").create_app
        return create(self.world, self.token) if system in _WITH_TOKEN else create(self.world)


async def run(
    scenario: Scenario | str | Path = "bad-deploy",
    seed: int = 1,
    ports: Mapping[str, int] | None = None,
    kubeconfig_path: str | Path | None = None,
    ready: Callable[[Sandbox], None] | None = None,
) -> None:
    """Serve a scenario in this event loop until cancelled; `ready` is called once with everything in place."""
    sandbox = Sandbox(scenario, seed, ports=ports)

    def announce() -> None:
        if kubeconfig_path is not None:
            sandbox.write_kubeconfig(kubeconfig_path)
        if ready is not None:
            ready(sandbox)

    await sandbox.serve(announce, asyncio.Event())


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
