"""A served cluster without a World: nodes made by hand, plain surroundings, a clock a test moves, and kubectl."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from programs import require
from sandbox_kubernetes.manifests import node

from autodevops.kernel.clock import utc_now
from autodevops.sandbox.cluster.bootstrap import bootstrap
from autodevops.sandbox.cluster.cluster import Cluster
from autodevops.sandbox.cluster.defaults import with_defaults
from autodevops.sandbox.cluster.store import Json, Store
from autodevops.sandbox.cluster.surroundings import PlainSurroundings
from autodevops.sandbox.kubernetes.access import token_for
from autodevops.sandbox.kubernetes.app import create_app
from autodevops.sandbox.kubernetes.certificate import make_certificate

START = 1_795_521_600.0  # 2026-11-24T12:00:00Z
TOKEN = "administrator"
Line = tuple[float, str]


@dataclass
class Bench:
    """What the API server serves, and everything a test moves about it."""

    surroundings: PlainSurroundings = field(default_factory=PlainSurroundings)
    time: float = START + 100.0
    logs: dict[tuple[str, str, str, bool], list[Line]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cluster = Cluster(self.surroundings, START)
        bootstrap(self.store)
        for number in (1, 2):
            self.store.create(node(f"node-{number}"))
        self.store.create(with_defaults({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "shop"}}))

    @property
    def store(self) -> Store:
        return self.cluster.store

    def now(self) -> float:
        return self.time

    def container_log(
        self, namespace: str, pod: str, container: str, *, previous: bool, since: float | None, tail: int | None
    ) -> Sequence[Line]:
        lines = [one for one in self.logs[namespace, pod, container, previous] if since is None or one[0] >= since]
        return lines[-tail:] if tail else lines

    def put(self, *items: Json) -> None:
        """Store objects as they are, with defaults."""
        for item in items:
            self.store.create(with_defaults(item))


@dataclass
class Api:
    """The API server of a bench, reachable over TLS."""

    bench: Bench
    address: str
    authority: str
    home: Path

    def kubectl(self, *arguments: str, status: int = 0, token: str = TOKEN, stdin: str = "") -> str:
        """What kubectl prints (stdout, or stderr when a failure is expected); its exit status is checked."""
        done = self.run(*arguments, token=token, stdin=stdin)
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if status == 0 else done.stderr

    def run(self, *arguments: str, token: str = TOKEN, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [require("kubectl", "kubernetes-client"), *arguments],
            env=self.environment(token), input=stdin, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip

    def environment(self, token: str = TOKEN) -> dict[str, str]:
        path = self.home / f"kubeconfig-{token[-12:]}"
        path.write_text(json.dumps(self.kubeconfig(token)))
        return {"KUBECONFIG": str(path), "HOME": str(self.home), "PATH": os.environ["PATH"]}

    def kubeconfig(self, token: str = TOKEN) -> Json:
        authority = base64.b64encode(self.authority.encode()).decode()
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "bench",
            "clusters": [
                {"name": "bench", "cluster": {"server": self.address, "certificate-authority-data": authority}}
            ],
            "users": [{"name": "bench", "user": {"token": token}}],
            "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench", "namespace": "shop"}}],
        }

    def get(self, *arguments: str) -> Any:
        """`kubectl get ... -o json`."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def apply(self, *items: Json) -> str:
        return self.kubectl("apply", "-f", "-", stdin=json.dumps({"kind": "List", "apiVersion": "v1", "items": items}))

    def http(self, token: str = TOKEN, **headers: str) -> httpx.Client:
        return httpx.Client(
            base_url=self.address,
            headers={"Authorization": f"Bearer {token}", **headers},
            verify=ssl.create_default_context(cadata=self.authority),
            timeout=120,
        )

    def token(self, name: str, *groups: str) -> str:
        return token_for(TOKEN, name, groups)


@contextmanager
def serving(folder: Path) -> Iterator[Api]:
    """The API server of a fresh bench."""
    bench = Bench()
    certificate = make_certificate("127.0.0.1", utc_now())
    app = create_app(bench, TOKEN)
    config = uvicorn.Config(
        app, lifespan="off", log_config=None, ws="none", timeout_graceful_shutdown=1, timeout_keep_alive=60
    )
    config.load()
    config.ssl = certificate.context
    server = uvicorn.Server(config)

    async def serve(listening: socket.socket) -> None:
        await server.serve([listening])
        for connection in list(server.server_state.connections):
            if (transport := getattr(connection, "transport", None)) is not None:
                transport.abort()
        await asyncio.sleep(0)

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        thread = threading.Thread(target=lambda: asyncio.run(serve(listening)), daemon=True)
        thread.start()
        while not server.started:
            thread.join(0.02)
        try:
            yield Api(bench, f"https://127.0.0.1:{port}", certificate.authority.decode(), folder)
        finally:
            app.state.closing = True
            server.should_exit = True
            thread.join(60)
