"""A server whose caller gave up has not failed.

OpenTelemetry's conventions for RPC and HTTP leave the status of such a server span unset; many instrumentations mark it
an error all the same, and then the callee, which was cut off, looks like the origin of its caller's deadline.
"""

from __future__ import annotations

import re
from typing import Final

from autodevops.domain.trace import Span

_CODES: Final = ("rpc.grpc.status_code", "rpc.response.status_code", "grpc.status_code")
_CANCELLED: Final = {"1", "CANCELLED", "Cancelled", "Canceled"}
_MESSAGE = re.compile(
    r"^\s*(context cancell?ed|cancell?ed|client (cancell?ed|closed|disconnected)"
    r"|request aborted)",
    re.I,
)
_CLIENT_CLOSED: Final = "499"  # nginx's status for it


def without_given_up(span: Span) -> Span:
    """The span as the conventions would have it: not an error where the caller went away."""
    if span.status != "error" or span.kind not in ("server", "consumer"):
        return span
    code = next((str(span.attributes[key]) for key in _CODES if key in span.attributes), "")
    http = str(span.attributes.get("http.response.status_code") or span.attributes.get("http.status_code") or "")
    gone = code in _CANCELLED if code else http == _CLIENT_CLOSED or bool(_MESSAGE.match(span.status_message))
    return span.model_copy(update={"status": "unset"}) if gone else span
