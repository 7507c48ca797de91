"""A request's parameters, from the query string and, for a POST, from its form."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request


async def parameters(request: Request) -> ImmutableMultiDict[str, str]:
    """Query string and urlencoded body together, the query string's values last (they win)."""
    pairs: list[tuple[str, str]] = []
    if request.method == "POST":
        body = (await request.body()).decode("utf-8", errors="replace")
        pairs = parse_qsl(body, keep_blank_values=True)
    return ImmutableMultiDict(pairs + request.query_params.multi_items())
