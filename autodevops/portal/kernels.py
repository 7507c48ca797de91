"""Visitors' kernels: at most so many, and none that nobody uses.

A page that is closed ends its kernel by a beacon. Pages that go away without one (a lost network, a phone's browser)
leave kernels without a connection, which end after a short while; connected ones that ask nothing (a hidden tab stops
refreshing) after a long one. Stock Voila has no limit, and keeps kernels until the machine dies.
"""

from __future__ import annotations

import os
from typing import Any

from jupyter_server._tz import utcnow
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import Integer

WARM = "--IPKernelApp.exec_lines=import autodevops.portal.warm"
LEFT_ALONE_SECONDS = 180  # without a connection: longer than a reconnecting page needs


class NoKernelLeft(Exception):
    """As many kernels live as may."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} kernels live already")
        self.limit = limit


class VisitorKernels(AsyncMappingKernelManager):
    limit = Integer(8, config=True, help="Kernels that may live at a time.")
    _starting = 0

    async def start_kernel(self, **kwargs: Any) -> str:  # type: ignore[override]
        """In the server's own folder, which relative paths of its settings are meant from. Raises NoKernelLeft."""
        if len(self) + self._starting >= self.limit:
            raise NoKernelLeft(self.limit)
        self._starting += 1
        try:
            return str(
                await super().start_kernel(extra_arguments=[WARM], **kwargs | {"path": None, "cwd": os.getcwd()})
            )
        finally:
            self._starting -= 1

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        kernel = self._kernels[kernel_id]
        last = getattr(kernel, "last_activity", None)
        connected = self._kernel_connections.get(kernel_id, 0) > 0
        if last is not None and not connected and (utcnow() - last).total_seconds() > LEFT_ALONE_SECONDS:
            self.log.info("Kernel %s has no page any more", kernel_id)
            await self.shutdown_kernel(kernel_id)  # type: ignore[no-untyped-call]
            return
        await super().cull_kernel_if_idle(kernel_id)  # type: ignore[no-untyped-call]
