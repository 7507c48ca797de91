"""Patch a probe: other times, or another path or port, for a probe that one container has.

A probe that asks the wrong question kills or hides what works. Only fields of a probe that is there are changed; none
is added and none is taken away, since a workload without probes looks healthy whatever happens. Undo puts the values
from before back, by another rollout.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from autodevops.domain.action import PatchProbe
from autodevops.domain.base import Json
from autodevops.domain.decision import Refusal
from autodevops.domain.plan import PreState
from autodevops.executor.fields import CONTAINERS, Field, Named, TemplateKind, refusal, text_of, value_at
from autodevops.executor.reading import Object

SLOWEST = 600  # seconds until a dead container is noticed; beyond that the probe is switched off in all but name


class PatchProbeKind(TemplateKind[PatchProbe]):
    noun = PatchProbe

    def container_fields(self, action: PatchProbe) -> Mapping[Field, Json]:
        probe = f"{action.probe}Probe"
        wanted: dict[Field, Json] = {
            (probe, "initialDelaySeconds"): action.initial_delay_seconds,
            (probe, "periodSeconds"): action.period_seconds,
            (probe, "timeoutSeconds"): action.timeout_seconds,
            (probe, "failureThreshold"): action.failure_threshold,
            (probe, "httpGet", "path"): action.http_path,
            (probe, "httpGet", "port"): action.http_port,
        }
        return {field: value for field, value in wanted.items() if value is not None}

    def rests_on(self, item: Object, action: PatchProbe) -> dict[str, Json]:
        probe = value_at(item, (*CONTAINERS, Named(action.container), f"{action.probe}Probe"))
        return {**super().rests_on(item, action), "probe": probe}

    def objections(self, action: PatchProbe, pre: PreState, before: Mapping[str, Json]) -> Iterable[Refusal]:
        probe = pre.bound.get("probe")
        if not isinstance(probe, dict):
            yield refusal(f"{action.container} has no {action.probe} probe.", "This changes a probe, and adds none.")
            return
        by_http = action.http_path is not None or action.http_port is not None
        if by_http and "httpGet" not in probe:
            yield refusal(f"The {action.probe} probe of {action.container} is not by HTTP.", "Give only its times.")
        period = action.period_seconds or int(str(probe.get("periodSeconds") or 10))
        threshold = action.failure_threshold or int(str(probe.get("failureThreshold") or 3))
        if action.probe != "startup" and period * threshold > SLOWEST:
            yield refusal(
                f"It would take {period * threshold} s until a dead {action.container} is noticed.",
                f"Keep period times threshold within {SLOWEST} s; slow starts are for a startup probe.",
            )
        names = {text_of(field) for field in self.fields(action)}
        if missing := [name for name in names if name.endswith(("path", "port")) and before.get(name) is None]:
            yield refusal(f"{', '.join(sorted(missing))} is not set now.", "Change it in its manifest.")
