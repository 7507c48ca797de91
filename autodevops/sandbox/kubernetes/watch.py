"""Watches: what changed since a resource version, and from then on as it happens.

The world at the moment of a resource version can be computed like any other, so a watch needs no memory: it compares
what was with what is, a few times a second.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping

from starlette.concurrency import run_in_threadpool

from autodevops.sandbox.kubernetes.reads import Query
from autodevops.sandbox.kubernetes.status import expired
from autodevops.sandbox.kubernetes.tables import table
from autodevops.sandbox.world.objects.meta import moment_of, resource_version
from autodevops.sandbox.world.templates import Json
from autodevops.sandbox.world.world import World

_POLL = 0.5  # seconds between looks
_BOOKMARK_EVERY = 60.0  # seconds of the loop's clock
_KEPT = 3600.0  # seconds back that a watch may begin
_LONGEST = 3600.0  # seconds a watch lasts when the client does not say


async def watch(
    world: World, query: Query, parameters: Mapping[str, str], closing: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """The events of a watch as JSON lines, until its time is over or the server closes."""
    loop = asyncio.get_running_loop()
    end = loop.time() + float(parameters.get("timeoutSeconds") or _LONGEST)
    bookmarks = parameters.get("allowWatchBookmarks") in ("true", "1")
    initial = parameters.get("sendInitialEvents") in ("true", "1")
    version = parameters.get("resourceVersion", "")
    writer = _Writer(query)
    known: dict[str, Json] = {}
    if version not in ("", "0") and not initial:
        try:
            start = min(moment_of(version), world.now())
        except ValueError:
            start = 0.0
        if world.now() - start > _KEPT:
            yield _line("ERROR", expired(version, resource_version(world.now() - _KEPT)).body)
            return
        known = _by_uid(await run_in_threadpool(query.items, world, start))
    next_bookmark = loop.time() + _BOOKMARK_EVERY
    first = True
    while True:
        now = world.now()
        found = _by_uid(await run_in_threadpool(query.items, world, now))
        for kind, item in _differences(known, found, resource_version(now)):
            yield writer.line(kind, item, now)
        known = found
        if first and initial:
            yield writer.bookmark(now, {"k8s.io/initial-events-end": "true"})
        elif first:
            yield b""
        first = False
        over = loop.time() >= end or closing()
        if bookmarks and (over or loop.time() >= next_bookmark):
            next_bookmark = loop.time() + _BOOKMARK_EVERY
            yield writer.bookmark(now)
        if over:
            return
        await asyncio.sleep(min(_POLL, max(0.0, end - loop.time())))


class _Writer:
    """Writes events as plain objects or, for kubectl, as Tables of one row (columns in the first one only)."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._columns = True

    def line(self, kind: str, item: Json, now: float) -> bytes:
        if not self._query.as_table:
            return _line(kind, item)
        shown = table(self._query.resource, [item], now, self._query.include, columns=self._columns)
        self._columns = False
        return _line(kind, {**shown, "metadata": {"resourceVersion": item["metadata"]["resourceVersion"]}})

    def bookmark(self, now: float, annotations: dict[str, str] | None = None) -> bytes:
        resource = self._query.resource
        meta: Json = {"resourceVersion": resource_version(now), "creationTimestamp": None}
        if annotations:
            meta["annotations"] = annotations
        item: Json = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": meta}
        if not self._query.as_table:
            return _line("BOOKMARK", item)
        row = {"cells": [], "object": {**item, "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}}
        shown = {
            "kind": "Table",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": {"resourceVersion": meta["resourceVersion"]},
            "columnDefinitions": [],
            "rows": [row],
        }
        return _line("BOOKMARK", shown)


def _line(kind: str, item: Json) -> bytes:
    return json.dumps({"type": kind, "object": item}, separators=(",", ":")).encode() + b"\n"


def _by_uid(items: list[Json]) -> dict[str, Json]:
    return {item["metadata"]["uid"]: item for item in items}


def _differences(before: Mapping[str, Json], after: Mapping[str, Json], version: str) -> list[tuple[str, Json]]:
    """Events that lead from `before` to `after`, in order of version; what is gone has the version of its going."""
    found = [
        ("ADDED" if uid not in before else "MODIFIED", item) for uid, item in after.items() if before.get(uid) != item
    ]
    found.sort(key=lambda one: int(one[1]["metadata"]["resourceVersion"]))
    for uid, item in before.items():
        if uid not in after:
            found.append(("DELETED", {**item, "metadata": {**item["metadata"], "resourceVersion": version}}))
    return found
