"""The overview widget: section after section to every view of it, whenever one asks.

The page sends `{type: "refresh", id, namespace}`; we send `{type: "section", id, section}` for each section and
`{type: "done", id}`. A newer question ends an older one. The page decides when: it asks by itself while people look,
and not while it is hidden. `{type: "incident", id, incident}` is answered with the one section that tells of it, and so
is `{type: "postmortem", id, incident}` once its postmortem is written.
The widget knows nothing of who reads: it is given `read`, `incident` and `postmortem`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from typing import Any

import anywidget
from pydantic import BaseModel

from autodevops.kernel.errors import AutoDevOpsError
from autodevops.widgets import STATIC
from autodevops.widgets.loop_thread import LoopThread
from autodevops.widgets.outbox import Outbox

log = logging.getLogger(__name__)

Read = Callable[[str], AsyncIterator[BaseModel]]


class PortalWidget(anywidget.AnyWidget):
    """A live overview over `read`, a function from a namespace to its sections; `incident` is one from an id to its,
    and `postmortem` the same after it was written."""

    _esm = STATIC / "portal.js"
    _css = STATIC / "portal.css"

    def __init__(self, read: Read, incident: Read, postmortem: Read, *, loop: LoopThread) -> None:
        self._read = read
        self._incident = incident
        self._postmortem = postmortem
        self._loop = loop
        self._outbox = Outbox()
        self._reading: Future[None] | None = None
        super().__init__()
        self.on_msg(self._receive)

    def close(self) -> None:
        self._stop()
        super().close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        return data | {"text/plain": "Overview: run this cell to see it."}, metadata

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        if not isinstance(content, dict):
            return
        self._outbox.follow_current_loop()
        identifier = str(content.get("id", ""))[:64]
        match content.get("type"):
            case "refresh":
                self._stop()
                self._reading = self._loop.start(self._tell, identifier, self._read(str(content.get("namespace", ""))))
            case "incident":
                self._loop.start(self._tell, identifier, self._incident(str(content.get("incident", ""))[:100]))
            case "postmortem":
                self._loop.start(self._tell, identifier, self._postmortem(str(content.get("incident", ""))[:100]))

    def _stop(self) -> None:
        if self._reading is not None:
            self._reading.cancel()

    async def _tell(self, identifier: str, sections: AsyncIterator[BaseModel]) -> None:
        """Supervise one reading: whatever happens, the page learns that it is over."""
        try:
            async for section in sections:
                self._say({"type": "section", "id": identifier, "section": section.model_dump(mode="json")})
        except AutoDevOpsError as error:
            self._say({"type": "failed", "id": identifier, "message": error.message, "next_step": error.next_step})
        except Exception as error:
            log.exception("the overview could not be read")
            said = f"The overview stopped on an unexpected error: {type(error).__name__}: {error}"
            self._say({"type": "failed", "id": identifier, "message": said, "next_step": "The kernel's log has more."})
        else:
            self._say({"type": "done", "id": identifier})

    def _say(self, message: dict[str, Any]) -> None:
        self._outbox.post(self.send, message)
