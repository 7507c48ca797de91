"""What a refused or failed request to any system means, in kernel.errors' words. Knows no HTTP library."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from autodevops.kernel.errors import ToolDenied, ToolError, ToolNotFound, ToolRejected, ToolTimeout, ToolUnavailable

MESSAGE_LIMIT = 600  # characters of a system's own message that are passed on: enough for a PromQL error with context


@dataclass(frozen=True)
class System:
    """How to speak of one system in an error: its name, where it is, which settings reach it."""

    name: str  # "Prometheus"
    address: str  # without credentials
    address_setting: str  # "AUTODEVOPS_PROMETHEUS__URL"
    credential_setting: str  # "AUTODEVOPS_PROMETHEUS__TOKEN"
    trust_setting: str  # "AUTODEVOPS_PROMETHEUS__CA_FILE"
    timeout_setting: str  # "AUTODEVOPS_PROMETHEUS__TIMEOUT_SECONDS"
    tenant_setting: str = ""  # "AUTODEVOPS_PROMETHEUS__TENANT"
    certificate_setting: str = ""  # "AUTODEVOPS_PROMETHEUS__CERT_FILE"

    @property
    def place(self) -> str:
        return f"{self.name} at {self.address}" if self.address else self.name


def for_status(system: System, status: int, said: str, missing: str = "", wait: str = "") -> ToolError:
    """The error for an HTTP answer that is not a success.

    `said` is the system's own message; `missing` names what a 404 would mean does not exist ("" when the address
    asked is one that the system always has, so that a 404 speaks against the address); `wait` says how long it asks
    us to stay away, e.g. `in 30 s`.
    """
    said = one_line(said)
    told = f": {said}" if said else ""
    if told[-1:] not in (".", "!", "?"):
        told += "."
    if status == 401 and "org id" in said and system.tenant_setting:
        return ToolDenied(
            f"{system.place} keeps tenants apart and was told none (HTTP 401){told}", f"Set {system.tenant_setting}."
        )
    if status in (401, 403):
        return ToolDenied(
            f"{system.place} refused the credentials or the right to do this (HTTP {status}){told}",
            f"Renew {system.credential_setting}, or ask for the right.",
        )
    if status == 404 and missing:
        return ToolNotFound(f"{missing} does not exist in {system.place}.", "Correct the name.")
    if status in (400, 409, 410, 413, 414, 415, 422):
        return ToolRejected(f"{system.name} rejected the request{told}", "Correct the request and ask again.")
    if status in (408, 504):
        return timed_out(system, said)
    if status == 407:
        return ToolDenied(
            f"The proxy before {system.place} wants credentials (HTTP 407).",
            "Put user and password in HTTPS_PROXY, or name the host in NO_PROXY.",
        )
    if status == 429:
        return ToolUnavailable(
            f"{system.place} limits the number of requests{told}", f"Ask again {wait or 'in a minute'}."
        )
    if status >= 500:
        again = f"Ask again {wait}, or look" if wait else "Look"
        return ToolUnavailable(
            f"{system.place} failed with HTTP {status}{told}", f"{again} at the logs of {system.name}."
        )
    return unlike(system, f"HTTP {status}")


def absent(system: System, what: str, instead: str) -> ToolNotFound:
    """An address that Prometheus has and a system compatible with it need not have."""
    return ToolNotFound(
        f"{system.place} offers no {what} (HTTP 404); Thanos, Mimir and VictoriaMetrics leave some addresses out.",
        f"{instead} If it is Prometheus itself, check {system.address_setting}.",
    )


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
        if isinstance(cause, ssl.SSLEOFError):
            break  # it went away during the handshake; that says nothing of its certificate
        if isinstance(cause, httpx.ProxyError):
            return ToolUnavailable(
                f"The proxy before {system.place} does not let us through: {one_line(str(cause)).rstrip('.')}.",
                "Correct HTTPS_PROXY or HTTP_PROXY, or name the host in NO_PROXY.",
            )
        if isinstance(cause, ssl.SSLError) and "ALERT" in (cause.reason or "") and system.certificate_setting:
            return ToolUnavailable(
                f"{system.place} ends the TLS handshake: {(cause.reason or '').lower().replace('_', ' ')}.",
                f"Give the client certificate it asks for in {system.certificate_setting}.",
            )
        silent = isinstance(cause, ConnectionResetError | httpx.ReadError | httpx.RemoteProtocolError)
        if silent and system.certificate_setting and system.address.startswith("https://"):
            # TLS 1.3 refuses a client after the handshake, and the library only sees the connection end.
            return ToolUnavailable(
                f"{system.place} closed the TLS connection without an answer.",
                f"It may ask for a client certificate, or for another one: {system.certificate_setting}; its logs say.",
            )
        if isinstance(cause, ssl.SSLError) or "CERTIFICATE_VERIFY_FAILED" in str(cause):
            why = getattr(cause, "verify_message", "") or str(cause)  # the library's own words without its wrapping
            return ToolUnavailable(
                f"The TLS certificate of {system.place} is not trusted or not valid: {one_line(why)}.",
                f"Give the authority's certificate in {system.trust_setting}, or correct {system.address_setting}.",
            )
    proxy = proxy_for(system.address)
    through = f" through the proxy {proxy}" if proxy else ""
    return ToolUnavailable(
        f"{system.place} does not answer{through}: {_why(error)}.", f"Start it, or correct {system.address_setting}."
    )


def proxy_for(address: str) -> str:
    """The proxy that the environment names for `address`, without its credentials, or ""."""
    parts = urlsplit(address)
    if not parts.hostname or proxy_bypass(parts.netloc):
        return ""
    proxies = getproxies()
    return without_credentials(proxies.get(parts.scheme) or proxies.get("all") or "")


def without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


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
        if isinstance(cause, ConnectionResetError | ssl.SSLEOFError | httpx.ReadError | httpx.RemoteProtocolError):
            return "it closed the connection; one side may speak https and the other http"
    error = getattr(error, "reason", None) or error  # urllib3 wraps what happened
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
