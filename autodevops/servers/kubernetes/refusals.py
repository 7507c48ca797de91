"""What the API server's refusals mean, and what to do next. Its own sentence is always passed on."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime

from autodevops.kernel.errors import ToolDenied, ToolError, ToolRejected
from autodevops.servers._failures import for_status, one_line
from autodevops.servers.kubernetes.connect import Connection


class Conflict(ToolRejected):
    """Somebody else wrote the object between our reading and our writing it."""


def refusal(connection: Connection, status: int, message: str, missing: str = "") -> ToolError:
    """The error for an answer that is not a success; `missing` names what a 404 would mean does not exist."""
    system = connection.system
    told = f": {one_line(message).rstrip('.')}." if message else "."
    if status == 401:
        return ToolDenied(
            f"{system.place} refused {connection.credentials}{_expiry(connection)} (HTTP 401){told}", connection.renew
        )
    if "admission webhook" in message or "exceeded quota" in message or "ValidatingAdmissionPolicy" in message:
        return ToolRejected(
            f"A policy of the cluster forbids it{told}", "Change the request so that the policy allows it."
        )
    if status == 403:
        asking = f" (asked as {connection.as_user})" if connection.as_user else ""
        return ToolDenied(
            f"{system.place} refused the right to do this{asking} (HTTP 403){told}",
            "Ask for that right to be granted; check_access says what is allowed.",
        )
    if status == 409:
        return Conflict(f"The object has changed meanwhile{told}", "Read it again, and decide anew.")
    if status == 415:
        return ToolRejected(
            f"Kubernetes does not take this kind of patch here{told}",
            "Use patch_type merge; custom resources know no strategic merge.",
        )
    return for_status(system, status, message, missing)


def said(body: bytes) -> str:
    """The `message` of a Status, or plain text."""
    text = body.decode(errors="replace")
    try:
        document = json.loads(text)
    except ValueError:
        return "" if "<html" in text[:500].lower() else text
    return str(document.get("message", "")) if isinstance(document, dict) else ""


def _expiry(connection: Connection) -> str:
    """`, which says it was valid until ...`, when the token is one that says so (a JWT)."""
    parts = str(connection.client.configuration.api_key.get("BearerToken") or "").split(".")
    if len(parts) != 3:
        return ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return f", which is valid until {datetime.fromtimestamp(claims['exp'], UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, KeyError, TypeError, binascii.Error, OverflowError):
        return ""
