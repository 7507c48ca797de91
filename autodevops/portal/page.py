"""What a visitor's kernel runs: Jamie's chat and the overview over one workbench."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from autodevops.kernel.clock import utc_now
from autodevops.notebook import Jamie
from autodevops.settings import Settings
from autodevops.widgets.portal import PortalWidget

if TYPE_CHECKING:
    from autodevops.portal.overview import Overview
    from autodevops.workbench import Workbench


class Portal(Jamie):
    """`overview` and `chat` are widgets; both work in JupyterLab too."""

    def __init__(self, settings: Settings | None = None, *, namespace: str = "") -> None:
        super().__init__(settings, namespace=namespace)
        self._overview: PortalWidget | None = None
        self._reader: tuple[Workbench, Overview] | None = None
        self._open()  # while the page is still drawing

    @property
    def overview(self) -> PortalWidget:
        """The same one however often it is shown."""
        if self._overview is None:
            self._overview = PortalWidget(self._sections, self._incident, self._postmortem, loop=self._loop)
        return self._overview

    def _answering(self) -> dict[str, Any]:
        """Not this kernel: it does not know who the visitor is. The server does."""
        return {"operation_state": self._operation, "answered_by_server": True}

    def close(self) -> None:
        if self._overview is not None:
            self._overview.close()
            self._overview = None
        super().close()

    async def _sections(self, namespace: str) -> AsyncIterator[BaseModel]:
        from autodevops.portal.overview import Overview

        bench = await self._workbench()
        if self._reader is None or self._reader[0] is not bench:
            self._reader = (bench, Overview(bench))
        async for section in self._reader[1].read(namespace):
            yield section

    async def _incident(self, incident: str) -> AsyncIterator[BaseModel]:
        from autodevops.portal.incident import incident_page

        yield await asyncio.to_thread(incident_page, (await self._workbench()).ledger, incident, utc_now())

    async def _postmortem(self, incident: str) -> AsyncIterator[BaseModel]:
        await (await self._workbench()).write_postmortem(incident)
        async for section in self._incident(incident):
            yield section
