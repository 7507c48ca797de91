"""Tool calls on the wire, mended before the official client reads them.

The client takes `arguments` as a JSON object or gives the whole answer up. Ollama writes an object; gateways that
stand in for it, and some model families through them, write the object as a string, or only the half of it. The
string is read here; what cannot be read is kept under `UNREADABLE`, for the model to be told.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

UNREADABLE = "__unreadable__"


async def mend(response: httpx.Response) -> None:
    """For httpx's `event_hooks`. Only lines with tool calls are looked into."""
    if isinstance(response.stream, httpx.AsyncByteStream) and "content-encoding" not in response.headers:
        response.stream = _Mended(response.stream)


class _Mended(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        held = b""
        async for chunk in self._inner:
            *lines, held = (held + chunk).split(b"\n")
            for line in lines:
                yield mended(line) + b"\n"
        if held:
            yield mended(held)

    async def aclose(self) -> None:
        await self._inner.aclose()


def mended(line: bytes) -> bytes:
    """One JSON object of a stream; any other line as it is."""
    if b'"tool_calls"' not in line:
        return line
    try:
        part = json.loads(line)
    except ValueError:
        return line
    message = part.get("message") if isinstance(part, dict) else None
    if not isinstance(message, dict) or not isinstance(message.get("tool_calls"), list):
        return line
    message["tool_calls"] = [{"function": _function(call)} for call in message["tool_calls"] if isinstance(call, dict)]
    return json.dumps(part).encode()


def _function(call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    function = function if isinstance(function, dict) else call
    return {"name": str(function.get("name") or ""), "arguments": _arguments(function.get("arguments"))}


def _arguments(given: Any) -> dict[str, Any]:
    if isinstance(given, str) and given.strip():
        try:
            given = json.loads(given)
        except ValueError:
            return {UNREADABLE: given}
    if given is None or given == "":
        return {}
    return given if isinstance(given, dict) else {UNREADABLE: json.dumps(given)}
