"""Watches: what changed since a resource version, and from then on as it happens.

The store keeps every change, so a watch only remembers how far it has read; it lets the cluster's time pass itself, a
few times a second of real time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

from starlette.concurrency import run_in_threadpool

from autodevops.sandbox.cluster.store import Change, Json, Store
from autodevops.sandbox.kubernetes.call import Call
from autodevops.sandbox.kubernetes.conversion import as_served
from autodevops.sandbox.kubernetes.reads import Query, expiry, oldest_revision, parse_query, partial
from autodevops.sandbox.kubernetes.status import expired
from autodevops.sandbox.kubernetes.tables import table

_POLL = 0.25  # seconds between looks
_BOOKMARK_EVERY = 60.0  # seconds of the loop's clock
_LONGEST = 1800.0  # seconds a watch lasts when the client does not say


def watch(call: Call, closing: Callable[[], bool]) -> AsyncIterator[bytes]:
    """The events of a watch as JSON lines, until its time is over or the server closes. Raises Refused at once for a
    request that cannot be read."""
    call.whole("timeoutSeconds")
    return _events(call, _Feed(call, parse_query(call)), closing)


async def _events(call: Call, feed: _Feed, closing: Callable[[], bool]) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    end = loop.time() + float(call.whole("timeoutSeconds") or _LONGEST)
    bookmarks = call.flag("allowWatchBookmarks")
    for line in await run_in_threadpool(feed.start):
        yield line
    if feed.refused:
        return
    next_bookmark = loop.time() + _BOOKMARK_EVERY
    while True:
        for line in await run_in_threadpool(feed.next):
            yield line
        over = loop.time() >= end or closing()
        if bookmarks and (over or loop.time() >= next_bookmark):
            next_bookmark = loop.time() + _BOOKMARK_EVERY
            yield feed.bookmark()
        if over:
            return
        await asyncio.sleep(min(_POLL, max(0.0, end - loop.time())))


class _Feed:
    """How far one watch has read, and what it writes."""

    def __init__(self, call: Call, query: Query) -> None:
        self._call, self._query = call, query
        self._store: Store = call.store
        self._revision = 0
        self._columns = True
        self._events: dict[str, Json] = {}
        """Events the watcher knows of, to tell it when they expire."""
        self.refused = False

    def start(self) -> list[bytes]:
        """What the watcher is told first."""
        with self._call.served.cluster.lock:
            self._call.served.cluster.advance(self._call.served.now())
            version = self._call.parameters.get("resourceVersion", "")
            initial = self._call.flag("sendInitialEvents")
            if version in ("", "0") or initial:
                self._revision = self._store.revision
                lines = [self._line("ADDED", item) for item in self._query.items(self._store)]
                return [*lines, self.bookmark({"k8s.io/initial-events-end": "true"})] if initial else lines or [b""]
            oldest = oldest_revision(self._store)
            if not version.isdigit() or int(version) < oldest:
                self.refused = True
                return [_event("ERROR", expired(version, str(oldest)).body)]
            self._revision = int(version)
            if self._query.resource.stored == "Event":
                for item in self._query.items(self._store, self._revision):
                    self._events[item["metadata"]["uid"]] = item
            return [b""]

    def next(self) -> list[bytes]:
        """What came since the last time."""
        with self._call.served.cluster.lock:
            self._call.served.cluster.advance(self._call.served.now())
            lines = []
            for change in self._store.changes_since(self._revision):
                self._revision = change.revision
                found = self._meaning(change)
                if found is not None:
                    lines.append(self._line(*found))
            for item in [*self._events.values()]:
                if self._store.now > expiry(self._store, item):
                    lines.append(self._line("DELETED", item))
            return lines

    def bookmark(self, annotations: dict[str, str] | None = None) -> bytes:
        resource = self._query.resource
        meta: Json = {"resourceVersion": str(self._revision), "creationTimestamp": None}
        if annotations:
            meta["annotations"] = annotations
        item: Json = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": meta}
        if self._query.shape != "Table":
            return _event("BOOKMARK", partial(item) if self._query.shape else item)
        shown = {
            "kind": "Table",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": {"resourceVersion": meta["resourceVersion"]},
            "columnDefinitions": [],
            "rows": [{"cells": [], "object": partial(item)}],
        }
        return _event("BOOKMARK", shown)

    def _meaning(self, change: Change) -> tuple[str, Json] | None:
        """A change as it looks through the selectors: what stops matching is gone, what begins to is new."""
        query = self._query
        if change.key.kind != query.resource.stored or (query.namespace and change.key.namespace != query.namespace):
            return None
        item = as_served(query.resource, change.object)
        before = None if change.before is None else as_served(query.resource, change.before)
        matched = before is not None and query.test(before)
        after = change.type != "DELETED" and query.test(item)
        if after:
            return "MODIFIED" if matched else "ADDED", item
        if not matched or before is None:
            return None
        return "DELETED", {**before, "metadata": {**before["metadata"], "resourceVersion": str(change.revision)}}

    def _line(self, kind: str, item: Json) -> bytes:
        uid = item["metadata"]["uid"]
        if kind == "DELETED":
            self._events.pop(uid, None)
        elif item["kind"] == "Event":
            self._events[uid] = item
        if self._query.shape != "Table":
            return _event(kind, partial(item) if self._query.shape else item)
        resource, include = self._query.resource, self._query.include
        shown = table(resource, [item], self._store.now, include, columns=self._columns)
        self._columns = False
        return _event(kind, {**shown, "metadata": {"resourceVersion": item["metadata"]["resourceVersion"]}})


def _event(kind: str, item: Json) -> bytes:
    return json.dumps({"type": kind, "object": item}, separators=(",", ":")).encode() + b"\n"
