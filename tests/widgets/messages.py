"""Every widget message as it would cross the wire: ours to the page, whole, with headers and buffers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import comm
from comm.base_comm import BaseComm
from jupyter_client.session import Session


@dataclass(frozen=True)
class Message:
    kind: str
    size: int  # bytes, with header, parent, metadata and buffers


def unheard(message: Message) -> None:
    """For those who only read the list."""


@contextmanager
def comm_messages(heard: Callable[[Message], None] = unheard) -> Iterator[list[Message]]:
    """What widgets made while this is entered say."""
    messages: list[Message] = []
    session = Session(key=b"")
    parent = session.msg("comm_msg", {"comm_id": "0" * 32, "data": {}})

    class Recorded(BaseComm):
        def publish_msg(
            self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
        ) -> None:
            content = {"comm_id": self.comm_id, "data": data or {}} | keys
            parts = session.serialize(session.msg(msg_type, content, parent=parent, metadata=metadata))
            message = Message(msg_type, sum(map(len, [*parts, *(buffers or [])])))
            messages.append(message)
            heard(message)

    before = comm.create_comm
    comm.create_comm = Recorded
    try:
        yield messages
    finally:
        comm.create_comm = before
