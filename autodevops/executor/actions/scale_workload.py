"""Scale a workload: another number of pods for a Deployment or StatefulSet.

Where an autoscaler decides the number it is refused, for the autoscaler would decide again within seconds: its bounds
are what to change. More than fourfold at once is refused as well. Undo gives it the number from before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from autodevops.domain.action import ScaleWorkload
from autodevops.domain.base import Json
from autodevops.domain.decision import Refusal
from autodevops.domain.plan import BlastRadius, PreState
from autodevops.executor.fields import Field, FieldsKind, refusal
from autodevops.executor.reading import read_scalers
from autodevops.toolbox.protocol import Tools

MOST_GROWTH = 4
FEW = 4  # up to so many pods any number is a small one


def one_step(replicas: int) -> int:
    """The most pods that one action may give to what has so many; from none it may be any number."""
    return max(FEW, MOST_GROWTH * replicas)


class ScaleWorkloadKind(FieldsKind[ScaleWorkload]):
    noun = ScaleWorkload
    resizes = True

    def fields(self, action: ScaleWorkload) -> Mapping[Field, Json]:
        return {("spec", "replicas"): action.replicas}

    async def survey(self, tools: Tools, action: ScaleWorkload, now: datetime) -> PreState:
        pre = await super().survey(tools, action, now)
        scalers = await read_scalers(tools, action.subject)
        names: list[Json] = [str(one["metadata"]["name"]) for one in scalers]
        return pre.model_copy(update={"saved": {"autoscalers": names}})

    def blast(self, action: ScaleWorkload, pre: PreState) -> BlastRadius:
        (state,) = pre.workloads
        fewer = max(0, state.replicas - action.replicas)
        return BlastRadius(
            namespaces=(action.namespace,),
            workloads=(action.subject,),
            pods=abs(action.replicas - state.replicas),
            of_pods=max(state.replicas, action.replicas),
            away_at_once=fewer,
        )

    def objections(self, action: ScaleWorkload, pre: PreState, before: Mapping[str, Json]) -> Iterable[Refusal]:
        (state,) = pre.workloads
        scalers = pre.saved.get("autoscalers")
        if isinstance(scalers, list) and scalers:
            yield refusal(
                f"HorizontalPodAutoscaler {', '.join(map(str, scalers))} decides how many pods it has.",
                "Change the autoscaler's bounds instead.",
            )
        if state.replicas and action.replicas > one_step(state.replicas):
            yield refusal(
                f"{action.replicas} pods are more than {MOST_GROWTH} times the {state.replicas} it has.",
                "Take a smaller step, and see what it does.",
            )
