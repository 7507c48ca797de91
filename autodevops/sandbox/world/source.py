"""The shop's source code: enough of each service, in its language, for diffs and stack traces to agree.

A service's main file has a guarded lookup and a batched read. A bad deploy that raises errors loses the guard, one that
raises latency loses the batch; the stack trace of a failed request names the line that the diff changed. None of this
code runs; it is what people read on GitHub and in logs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autodevops.sandbox.world.faults.effects import ExceptionText, Modifier
from autodevops.sandbox.world.topology import Language, Service


@dataclass(frozen=True)
class Snippet:
    """Lines before and after a change."""

    before: str
    after: str


@dataclass(frozen=True)
class Dialect:
    """How one language spells the service: its files, the two mistakes, and an uncaught failure.

    `@svc@` stands for the service, `@Svc@` for it in camel case. `failing` is the line of `unguarded.after` that
    raises `exception`, `reading` the line at which everything else fails.
    """

    main: str
    text: str
    unguarded: Snippet
    unbatched: Snippet
    reading: str
    failing: str
    exception: str
    message: str
    manifest: str
    manifest_text: str
    dependency: str
    stack: str


_PYTHON = Dialect(
    main="services/@svc@/src/handlers.py",
    text='''"""HTTP handlers of @svc@."""

import logging

from shop.http import Request, Response, json_response
from shop.store import Store

log = logging.getLogger("@svc@")

DEFAULT_REGION = "eu"


def handle(request: Request, store: Store) -> Response:
    record = store.load(request.json["id"])
    if record is None:
        return json_response(404, {"error": "not found"})
    # Records written before 2024 have no profile.
    profile = record.get("profile") or {}
    region = profile.get("region", DEFAULT_REGION)
    lines = store.load_many(record["line_ids"])
    result = summarize(record, lines, region)
    log.info("handled", extra={"id": record["id"], "region": region})
    return json_response(200, result)


def summarize(record: dict, lines: list[dict], region: str) -> dict:
    return {"id": record["id"], "region": region, "lines": len(lines)}
''',
    unguarded=Snippet(
        """    # Records written before 2024 have no profile.
    profile = record.get("profile") or {}
    region = profile.get("region", DEFAULT_REGION)
""",
        """    region = record["profile"]["region"]
""",
    ),
    unbatched=Snippet(
        """    lines = store.load_many(record["line_ids"])
""",
        """    lines = [store.load_fresh(line_id) for line_id in record["line_ids"]]
""",
    ),
    reading='record = store.load(request.json["id"])',
    failing='region = record["profile"]["region"]',
    exception="KeyError",
    message="'profile'",
    manifest="services/@svc@/requirements.txt",
    manifest_text="shop-http==2.14.0\nshop-store==1.9.2\nstructlog==24.4.0\n",
    dependency="structlog==24.4.",
    stack="""Traceback (most recent call last):
  File "/app/shop/http.py", line 118, in dispatch
    return handler(request, self.store)
  File "/app/@file@", line @line@, in handle
    @failing@
@exception@: @message@""",
)

_GO = Dialect(
    main="services/@svc@/internal/handler.go",
    text="""// Package internal has the HTTP handlers of @svc@.
package internal

import (
	"encoding/json"
	"net/http"

	"example.com/shop/pkg/store"
)

const defaultRegion = "eu"

type Handler struct {
	Store *store.Store
}

func (h *Handler) Handle(w http.ResponseWriter, r *http.Request) {
	record, err := h.Store.Load(r.Context(), r.URL.Query().Get("id"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	region := defaultRegion
	// Records written before 2024 have no profile.
	if record.Profile != nil {
		region = record.Profile.Region
	}
	lines, err := h.Store.LoadMany(r.Context(), record.LineIDs)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	_ = json.NewEncoder(w).Encode(Summary{ID: record.ID, Region: region, Lines: len(lines)})
}
""",
    unguarded=Snippet(
        """	region := defaultRegion
	// Records written before 2024 have no profile.
	if record.Profile != nil {
		region = record.Profile.Region
	}
""",
        """	region := record.Profile.Region
""",
    ),
    unbatched=Snippet(
        """	lines, err := h.Store.LoadMany(r.Context(), record.LineIDs)
""",
        """	lines, err := h.loadFresh(r.Context(), record.LineIDs) // one query per line
""",
    ),
    reading='record, err := h.Store.Load(r.Context(), r.URL.Query().Get("id"))',
    failing="region := record.Profile.Region",
    exception="runtime.Error",
    message="runtime error: invalid memory address or nil pointer dereference",
    manifest="services/@svc@/go.mod",
    manifest_text="module example.com/shop/services/@svc@\n\ngo 1.23\n\nrequire (\n\tgolang.org/x/sync v0.8.0\n)\n",
    dependency="golang.org/x/sync v0.8.",
    stack="""panic: @message@
goroutine 4213 [running]:
example.com/shop/services/@svc@/internal.(*Handler).Handle(0xc000136020, {0x9e2b40, 0xc0004d81c0}, 0xc0002f6000)
	/src/@file@:@line@ +0x1f4
net/http.HandlerFunc.ServeHTTP(0xc00011a0c0, {0x9e2b40, 0xc0004d81c0}, 0xc0002f6000)
	/usr/local/go/src/net/http/server.go:2171 +0x29""",
)

_JAVA = Dialect(
    main="services/@svc@/src/main/java/com/acme/shop/@Svc@Handler.java",
    text="""package com.acme.shop;

import java.util.List;

/** HTTP handlers of @svc@. */
public final class @Svc@Handler {
    private static final String DEFAULT_REGION = "eu";

    private final Store store;

    public @Svc@Handler(Store store) {
        this.store = store;
    }

    public Summary handle(Request request) {
        Record record = store.load(request.id());
        if (record == null) {
            throw new NotFoundException(request.id());
        }
        // Records written before 2024 have no profile.
        String region = record.profile() == null ? DEFAULT_REGION : record.profile().region();
        List<Line> lines = store.loadMany(record.lineIds());
        return new Summary(record.id(), region, lines.size());
    }
}
""",
    unguarded=Snippet(
        """        // Records written before 2024 have no profile.
        String region = record.profile() == null ? DEFAULT_REGION : record.profile().region();
""",
        """        String region = record.profile().region();
""",
    ),
    unbatched=Snippet(
        """        List<Line> lines = store.loadMany(record.lineIds());
""",
        """        List<Line> lines = record.lineIds().stream().map(store::loadFresh).toList();
""",
    ),
    reading="Record record = store.load(request.id());",
    failing="String region = record.profile().region();",
    exception="java.lang.NullPointerException",
    message=(
        'Cannot invoke "com.acme.shop.Profile.region()" because the return value of '
        '"com.acme.shop.Record.profile()" is null'
    ),
    manifest="services/@svc@/build.gradle",
    manifest_text="plugins { id 'java' }\n\ndependencies {\n    implementation 'org.slf4j:slf4j-api:2.0.16'\n}\n",
    dependency="org.slf4j:slf4j-api:2.0.",
    stack="""@exception@: @message@
	at com.acme.shop.@Svc@Handler.handle(@Svc@Handler.java:@line@)
	at com.acme.shop.http.Router.dispatch(Router.java:77)
	at com.acme.shop.http.Server.lambda$serve$2(Server.java:142)
	at java.base/java.lang.Thread.run(Thread.java:1583)""",
)

_NODE = Dialect(
    main="services/@svc@/src/handler.js",
    text="""'use strict';

const log = require('@acme/log')('@svc@');

const DEFAULT_REGION = 'eu';

// HTTP handlers of @svc@.
module.exports = (store) => async function handle(req, res) {
  const record = await store.load(req.body.id);
  if (!record) {
    return res.status(404).json({ error: 'not found' });
  }
  // Records written before 2024 have no profile.
  const region = record.profile?.region ?? DEFAULT_REGION;
  const lines = await store.loadMany(record.lineIds);
  log.info({ id: record.id, region }, 'handled');
  return res.json({ id: record.id, region, lines: lines.length });
};
""",
    unguarded=Snippet(
        """  // Records written before 2024 have no profile.
  const region = record.profile?.region ?? DEFAULT_REGION;
""",
        """  const region = record.profile.region;
""",
    ),
    unbatched=Snippet(
        """  const lines = await store.loadMany(record.lineIds);
""",
        """  const lines = [];
  for (const id of record.lineIds) lines.push(await store.loadFresh(id));
""",
    ),
    reading="const record = await store.load(req.body.id);",
    failing="const region = record.profile.region;",
    exception="TypeError",
    message="Cannot read properties of undefined (reading 'region')",
    manifest="services/@svc@/package.json",
    manifest_text="""{
  "name": "@acme/@svc@",
  "private": true,
  "dependencies": {
    "express": "4.21.0"
  }
}
""",
    dependency='"express": "4.21.',
    stack="""@exception@: @message@
    at handle (/app/@file@:@line@:33)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)
    at async /app/node_modules/express/lib/router/layer.js:95:5""",
)

_DOTNET = Dialect(
    main="services/@svc@/src/@Svc@Handler.cs",
    text="""namespace Acme.Shop;

/// <summary>HTTP handlers of @svc@.</summary>
public sealed class @Svc@Handler(IStore store)
{
    private const string DefaultRegion = "eu";

    public async Task<Summary> Handle(Request request)
    {
        var record = await store.Load(request.Id) ?? throw new NotFoundException(request.Id);
        // Records written before 2024 have no profile.
        var region = record.Profile?.Region ?? DefaultRegion;
        var lines = await store.LoadMany(record.LineIds);
        return new Summary(record.Id, region, lines.Count);
    }
}
""",
    unguarded=Snippet(
        """        // Records written before 2024 have no profile.
        var region = record.Profile?.Region ?? DefaultRegion;
""",
        """        var region = record.Profile.Region;
""",
    ),
    unbatched=Snippet(
        """        var lines = await store.LoadMany(record.LineIds);
""",
        """        var lines = new List<Line>();
        foreach (var id in record.LineIds) lines.Add(await store.LoadFresh(id));
""",
    ),
    reading="var record = await store.Load(request.Id) ?? throw new NotFoundException(request.Id);",
    failing="var region = record.Profile.Region;",
    exception="System.NullReferenceException",
    message="Object reference not set to an instance of an object.",
    manifest="services/@svc@/@Svc@.csproj",
    manifest_text="""<Project Sdk="Microsoft.NET.Sdk.Web">
  <ItemGroup>
    <PackageReference Include="Serilog" Version="4.0.1" />
  </ItemGroup>
</Project>
""",
    dependency='Include="Serilog" Version="4.0.',
    stack="""@exception@: @message@
   at Acme.Shop.@Svc@Handler.Handle(Request request) in /src/@file@:line @line@
   at Acme.Shop.Http.Router.Dispatch(HttpContext context) in /src/libs/http/Router.cs:line 77
   at Microsoft.AspNetCore.Diagnostics.ExceptionHandlerMiddlewareImpl.Invoke(HttpContext context)""",
)

DIALECTS: Mapping[Language, Dialect] = {
    "python": _PYTHON,
    "go": _GO,
    "java": _JAVA,
    "nodejs": _NODE,
    "dotnet": _DOTNET,
}
"""`none` is missing: what others built has no source here."""


def spelled(text: str, service: str) -> str:
    camel = "".join(word.capitalize() for word in service.replace("_", "-").split("-"))
    return text.replace("@svc@", service).replace("@Svc@", camel)


def first_files(service: str, language: Language, version: str) -> dict[str, str]:
    """The files of a service as they were first committed; none for what others built."""
    dialect = DIALECTS.get(language)
    if dialect is None:
        return {}
    files = {
        dialect.main: dialect.text,
        dialect.manifest: dialect.manifest_text,
        "services/@svc@/VERSION": f"{version}\n",
        "services/@svc@/README.md": "# @svc@\n\nOwned by the shop team. Runs in the `shop` namespace.\n",
        "services/@svc@/config.yaml": "log_level: info\nrequest_timeout: 2s\npool_size: 32\n",
    }
    return {spelled(path, service): spelled(text, service) for path, text in files.items()}


def main_file(service: str, language: Language) -> str:
    return spelled(DIALECTS[language].main, service)


_LIMITS = re.compile(r"time[ds]?.?out|deadline|pool|connection", re.IGNORECASE)


def mistakes(modifiers: Iterable[Modifier], service: str, version: str) -> tuple[str, ...]:
    """What a version's diff got wrong, from what the version does: ("limits",), or "errors" and "latency".

    Only modifiers bound to this version count: what goes wrong in every version is no deploy's fault.
    """
    bound = [one for one in modifiers if one.service == service and one.version == version]
    if any(one.exception and _LIMITS.search(f"{one.exception.type} {one.exception.message}") for one in bound):
        return ("limits",)
    found = []
    if any(one.errors > 0 for one in bound):
        found.append("errors")
    if any(one.latency_factor > 1 or one.latency_add > 0 for one in bound):
        found.append("latency")
    return tuple(found)


def failure(service: Service, given: ExceptionText | None, wrong: Sequence[str]) -> ExceptionText:
    """The exception of a request that failed by the service's own doing, always with a stack trace.

    `given` are the scenario's words. Without them a version that lost its guard (`wrong`) throws what that line throws,
    and everything else throws what the service throws now and then.
    """
    dialect = DIALECTS.get(service.language)
    exception = given or service.exception
    if given is None and dialect is not None and "errors" in wrong:
        exception = ExceptionText(type=dialect.exception, message=dialect.message)
    if exception.stack or dialect is None:
        return exception
    statement = dialect.failing if exception.type == dialect.exception and "errors" in wrong else dialect.reading
    parts = {
        "@exception@": exception.type,
        "@message@": exception.message,
        "@file@": main_file(service.name, service.language),
        "@line@": str(_line_of(edited(dialect.text, dialect, wrong), statement)),
        "@failing@": statement,
    }
    stack = dialect.stack
    for mark, value in parts.items():
        stack = stack.replace(mark, value)
    return exception.model_copy(update={"stack": spelled(stack, service.name)})


def edited(text: str, dialect: Dialect, wrong: Sequence[str]) -> str:
    """The main file with its mistakes made."""
    for mistake in wrong:
        snippet = {"errors": dialect.unguarded, "latency": dialect.unbatched}.get(mistake)
        if snippet:
            text = text.replace(snippet.before, snippet.after)
    return text


def _line_of(text: str, statement: str) -> int:
    """The 1-based line that holds `statement`."""
    return next(number for number, line in enumerate(text.splitlines(), start=1) if statement in line)
