"""GitHub's REST as the tools use it: addresses of a repository, and lists page by page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from autodevops.kernel.errors import ToolRejected
from autodevops.servers._arguments import path_part
from autodevops.servers._failures import unlike
from autodevops.servers._http import HttpApi, Params, Reply

PAGE = 100  # the most GitHub gives at once
MAX_PAGES = 5  # of one answer, whatever a filter leaves of them
MAX_ITEMS = 300

Item = Mapping[str, Any]
_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*rel="next"')


def home(repository: str) -> str:
    """`/repos/acme/shop`. Raises ToolRejected for what is no repository."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ToolRejected(f"{repository!r} is not a repository.", "Give owner/name, e.g. acme/shop.")
    owner, _, name = repository.partition("/")
    return f"/repos/{path_part(owner, 'repository')}/{path_part(name, 'repository')}"


async def pages(
    api: HttpApi, path: str, params: Params, limit: int, missing: str, keep: Callable[[Item], bool] | None = None
) -> tuple[list[Item], bool]:
    """Up to `limit` items that `keep` wants, and whether there are more, page by page as the Link header leads."""
    items: list[Item] = []
    query: Params = [*params, ("per_page", str(min(PAGE, limit))), ("page", "1")]
    for _ in range(MAX_PAGES):
        reply = await api.fetch(path, query, missing=missing)
        found = api.json(reply)
        if not isinstance(found, list):
            raise unlike(api.system, "JSON of another shape")
        items += [item for item in found if keep is None or keep(item)]
        following = _following(reply)
        if len(items) >= limit or not following:
            return items[:limit], bool(following) or len(items) > limit
        query = following
    return items[:limit], True


def _following(reply: Reply) -> list[tuple[str, str]]:
    """The parameters of the next page; GitHub counts pages in some lists and has cursors in others."""
    link = _NEXT.search(reply.headers.get("link", ""))
    return parse_qsl(urlsplit(link.group(1)).query) if link else []
