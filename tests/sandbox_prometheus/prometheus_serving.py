"""A world with a fixed clock, and apps served on loopback for real clients."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import uvicorn
from starlette.applications import Starlette

from autodevops.sandbox.world.world import World

ORIGIN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
NOW = ORIGIN + timedelta(minutes=1)


def make_world(scenario: str) -> World:
    return World(scenario, seed=1, origin=ORIGIN, clock=lambda: NOW)


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    """The app on an ephemeral loopback port; yields its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"  # connections queue until the server accepts them
    finally:
        server.should_exit = True
        thread.join(timeout=180)
        listening.close()
