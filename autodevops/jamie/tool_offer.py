"""Which tools a model is offered for a question, in the form and length a small model can hold.

Only tools that say they read. Which ones: those whose names the question's words name, then those its intent is
answered from, then any others, until the budget is spent. Of a schema what a small model needs is kept: names,
types, choices, one line of description; arguments that say how much or when are filled in by us (`explorer`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from autodevops.domain.base import Json
from autodevops.toolbox.protocol import ToolSpec

MOST_TOOLS = 8  # a 3B model begins to confuse them at about ten
MOST_OPTIONAL = 4
DESCRIPTION_CHARACTERS = 160
ARGUMENT_CHARACTERS = 90

# Filled in, or of no use to somebody who reads a few lines of each answer.
_HOW_MUCH = {"limit", "direction", "step_seconds", "output", "fields", "max_lines", "first_line", "sort_by", "dry_run"}
_NOT_OFFERED = frozenset({"start", "end", "since", "until", "time", *_HOW_MUCH})
_GENERAL = (
    "kubernetes.list_events",
    "loki.query_logs",
    "prometheus.query_range",
    "kubernetes.get_resource",
    "kubernetes.list_resources",
    "kubernetes.get_pod_logs",
    "tempo.search_traces",
    "kubernetes.get_rollout_history",
    "prometheus.list_metrics",
    "github.list_commits",
)
_BY_INTENT: Mapping[str, tuple[str, ...]] = {
    "logs": ("loki.query_logs", "kubernetes.get_pod_logs", "loki.query_log_metrics", "loki.list_labels"),
    "traces": ("tempo.search_traces", "tempo.get_trace", "tempo.list_tags"),
    "metrics": ("prometheus.query_range", "prometheus.query_instant", "prometheus.list_metrics"),
    "deploys": ("kubernetes.get_rollout_history", "github.list_commits", "github.list_deployments"),
    "alerts": ("prometheus.list_alerts", "prometheus.list_rules", "prometheus.list_alert_groups"),
    "capacity": ("kubernetes.get_resource_usage", "prometheus.query_range", "kubernetes.list_resources"),
    "compare": ("prometheus.query_range", "kubernetes.get_rollout_history", "tempo.search_traces"),
}
_NOT_FOR_MODELS = frozenset({"loki.tail_logs", "kubernetes.check_access", "kubernetes.list_api_resources"})


@dataclass(frozen=True)
class Offer:
    """`specs` by the name the model knows: without a dot, which some families' templates read as their own."""

    specs: Mapping[str, ToolSpec]
    definitions: tuple[dict[str, Any], ...]

    def find(self, name: str) -> ToolSpec | None:
        """The tool a model means: `loki_query_logs`, `loki.query_logs`, `functions.loki_query_logs`, `query_logs`."""
        plain = re.sub(r"\W+", "_", name.strip().removeprefix("functions.")).lower()
        if plain in self.specs:
            return self.specs[plain]
        short = [spec for spec in self.specs.values() if spec.name.partition(".")[2].lower() == plain]
        return short[0] if len(short) == 1 else None


def offer(specs: Iterable[ToolSpec], question: str, intent: str = "", *, characters: int = 5000) -> Offer:
    """At most `characters` of definitions, counted as JSON."""
    words = {word.rstrip("s") for word in re.findall(r"[a-z]+", question.lower()) if len(word) > 3}
    first = (*_BY_INTENT.get(intent, ()), *_GENERAL)

    def rank(spec: ToolSpec) -> tuple[int, int, str]:
        named = len(words & {part.rstrip("s") for part in re.split(r"[._]", spec.name.lower())})
        return (-named, first.index(spec.name) if spec.name in first else len(first), spec.name)

    chosen: dict[str, ToolSpec] = {}
    definitions: list[dict[str, Any]] = []
    readable = (spec for spec in specs if spec.read_only and spec.name not in _NOT_FOR_MODELS)
    for spec in sorted(readable, key=rank):
        name = re.sub(r"\W+", "_", spec.name).lower()
        definition = _definition(name, spec)
        size = len(json.dumps(definition))
        if size > characters or name in chosen:
            continue
        characters -= size
        chosen[name] = spec
        definitions.append(definition)
        if len(chosen) == MOST_TOOLS:
            break
    return Offer(chosen, tuple(definitions))


def _definition(name: str, spec: ToolSpec) -> dict[str, Any]:
    properties = properties_of(spec)
    required = [key for key in spec.input_schema.get("required") or () if key in properties]
    optional = [key for key in properties if key not in required and key not in _NOT_OFFERED][:MOST_OPTIONAL]
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": _line(spec.description, DESCRIPTION_CHARACTERS),
            "parameters": {
                "type": "object",
                "properties": {key: _argument(properties[key]) for key in (*required, *optional)},
                "required": required,
            },
        },
    }


def properties_of(spec: ToolSpec) -> Mapping[str, Mapping[str, Any]]:
    found = spec.input_schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def type_of(argument: Mapping[str, Any]) -> str:
    """Its JSON type; of a choice the first that is not null; `object` where it is defined elsewhere."""
    kind = argument.get("type")
    if isinstance(kind, list):
        return next((str(each) for each in kind if each != "null"), "string")
    if isinstance(kind, str):
        return kind
    for branch in (*(argument.get("anyOf") or ()), *(argument.get("oneOf") or ())):
        if isinstance(branch, Mapping) and type_of(branch) != "null":
            return type_of(branch)
    return "object" if "$ref" in argument else "string"


def _argument(argument: Mapping[str, Any]) -> dict[str, Json]:
    kept: dict[str, Json] = {"type": type_of(argument)}
    if description := _line(str(argument.get("description") or ""), ARGUMENT_CHARACTERS):
        kept["description"] = description
    if isinstance(choices := argument.get("enum"), list):
        kept["enum"] = [each for each in choices if each != ""]
    if kept["type"] == "array":
        items = argument.get("items")
        kept["items"] = {"type": type_of(items) if isinstance(items, Mapping) else "string"}
    return kept


def _line(text: str, limit: int) -> str:
    """The first paragraph, cut at the end of a sentence where there is one."""
    flat = " ".join(text.strip().split("\n\n")[0].split())
    if len(flat) <= limit:
        return flat
    end = max(flat.rfind(mark, 0, limit) for mark in (". ", "; "))
    return flat[: end + 1] if end > limit // 2 else flat[: limit - 1] + "…"
