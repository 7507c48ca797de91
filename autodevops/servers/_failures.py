"""What a refused or failed request to any system means, in kernel.errors' words. Knows no HTTP library."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from autodevops.kernel.errors import ToolDenied, ToolError, ToolNotFound, ToolRejected, ToolTimeout, ToolUnavailable

MESSAGE_LIMIT = 600  # characters of a system's own message that are passed on: enough for a PromQL error with context


@dataclass(frozen=True)
class System:
    """How to speak of one system in an error: its name, where it is, which settings reach it."""

    name: str  # "Prometheus"
    address: str  # without credentials
    address_setting: str  # "AUTODEVOPS_PROMETHEUS__URL"
    credential_setting: str  # "AUTODEVOPS_PROMETHEUS__TOKEN"
    timeout_setting: str  # "AUTODEVOPS_PROMETHEUS__TIMEOUT_SECONDS"

    @property
    def place(self) -> str:
        return f"{self.name} at {self.address}" if self.address else self.name


def for_status(system: System, status: int, said: str, missing: str = "") -> ToolError:
    """The error for an HTTP answer that is not a success.

    `said` is the system's own message; `missing` names what a 404 would mean does not exist ("" when the address
    asked is one that the system always has, so that a 404 speaks against the address).
    """
    said = one_line(said)
    told = f": {said}" if said else ""
    if told[-1:] not in (".", "!", "?"):
        told += "."
    if status in (401, 403):
        return ToolDenied(
            f"{system.place} refused the credentials or the right to read this (HTTP {status}){told}",
            f"Renew {system.credential_setting}, or ask for the right to read.",
        )
    if status == 404 and missing:
        return ToolNotFound(f"{missing} does not exist in {system.place}.", "Correct the name.")
    if status in (400, 409, 413, 414, 422):
        return ToolRejected(f"{system.name} rejected the request{told}", "Correct the request and ask again.")
    if status in (408, 504):
        return timed_out(system, said)
    if status == 429:
        return ToolUnavailable(f"{system.place} limits the number of requests{told}", "Ask again in a minute.")
    if status >= 500:
        return ToolUnavailable(f"{system.place} failed with HTTP {status}{told}", f"Look at the logs of {system.name}.")
    return unlike(system, f"HTTP {status}")


def timed_out(system: System, detail: str) -> ToolTimeout:
    return ToolTimeout(
        f"{system.place} did not answer in time: {detail or 'no answer'}.",
        f"Narrow the query or its window, or raise {system.timeout_setting}.",
    )


def unlike(system: System, detail: str) -> ToolUnavailable:
    """Somebody answered, but not in the system's language: most likely the address is another server's."""
    return ToolUnavailable(
        f"{system.address} did not answer like {system.name} ({detail}).",
        f"Check the address in {system.address_setting}.",
    )


def unreachable(system: System, error: BaseException) -> ToolUnavailable:
    """No connection, or a broken one; `error` and its causes say why."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError) or "CERTIFICATE_VERIFY_FAILED" in str(cause):
            return ToolUnavailable(
                f"The TLS certificate of {system.place} is not trusted or not valid: {one_line(str(cause))}.",
                "Give the authority's certificate (ca_file), or correct the address.",
            )
    return ToolUnavailable(
        f"{system.place} does not answer: {_why(error)}.", f"Start it, or correct {system.address_setting}."
    )


def one_line(text: str) -> str:
    """`text` on one line, without a final stop, cut at MESSAGE_LIMIT."""
    flat = " ".join(text.split())
    return flat if len(flat) <= MESSAGE_LIMIT else flat[: MESSAGE_LIMIT - 1] + "…"


def _why(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return "its host name is not known"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
    return one_line(str(error)).rstrip(".") or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            waiting.extend(current.exceptions)
        reason = getattr(current, "reason", None)  # urllib3 keeps the cause there
        waiting.extend(e for e in (current.__cause__, current.__context__, reason) if isinstance(e, BaseException))
