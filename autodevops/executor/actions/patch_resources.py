"""Patch resource requests and limits: another share of processor and memory for one container of a workload.

A container that is killed for memory, or throttled, gets what it needs until somebody finds why it needs it. Its pods
are replaced by the workload's own rollout. Nothing may grow more than fourfold at once, and requests stay within
limits. Undo puts the values from before back, by another rollout.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from autodevops.domain.action import PatchResources
from autodevops.domain.base import Json
from autodevops.domain.decision import Refusal
from autodevops.domain.plan import PreState
from autodevops.domain.quantity import quantity
from autodevops.executor.fields import Field, TemplateKind, refusal, text_of

MOST_GROWTH = 4.0  # times what it has; beyond that somebody should look first


class PatchResourcesKind(TemplateKind[PatchResources]):
    noun = PatchResources

    def container_fields(self, action: PatchResources) -> Mapping[Field, Json]:
        wanted = {
            ("resources", "requests", "cpu"): action.cpu_request,
            ("resources", "limits", "cpu"): action.cpu_limit,
            ("resources", "requests", "memory"): action.memory_request,
            ("resources", "limits", "memory"): action.memory_limit,
        }
        return {field: value for field, value in wanted.items() if value is not None}

    def objections(self, action: PatchResources, pre: PreState, before: Mapping[str, Json]) -> Iterable[Refusal]:
        for what, request, limit in (
            ("CPU", action.cpu_request, action.cpu_limit),
            ("memory", action.memory_request, action.memory_limit),
        ):
            if request and limit and quantity(request) > quantity(limit):
                yield refusal(f"The {what} request {request} is above the limit {limit}.", "Lower the request.")
        for field, value in self.fields(action).items():
            was = before.get(text_of(field))
            if isinstance(was, str) and isinstance(value, str) and quantity(value) > MOST_GROWTH * quantity(was):
                yield refusal(
                    f"{value} is more than {MOST_GROWTH:g} times the {was} it has.",
                    "Take a smaller step, and see what it does.",
                )

    def same(self, found: Json, wanted: Json) -> bool:
        """1000m is 1, and the API server says so."""
        return isinstance(found, str) and isinstance(wanted, str) and quantity(found) == quantity(wanted)
