"""Adjust an autoscaler's bounds: how few and how many pods a HorizontalPodAutoscaler may choose.

For an autoscaler that stands at its maximum while what it scales is saturated, or one that took away too much. The
maximum may grow twofold at once. Undo puts the bounds from before back; the autoscaler decides the number then.

A minimum within the maximum is of low risk: so many pods are allowed. Another maximum is of medium risk, for it is how
much people let it take of the cluster, and of their money.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from autodevops.domain.action import AdjustAutoscaler
from autodevops.domain.base import Json
from autodevops.domain.decision import Refusal
from autodevops.domain.plan import BlastRadius, PreState, WorkloadState
from autodevops.domain.risk import Risk
from autodevops.domain.subject import Subject
from autodevops.executor.fields import Field, FieldsKind, refusal, text_of
from autodevops.executor.reading import Object, pod_labels, read_object, workload_state
from autodevops.kernel.errors import ToolNotFound
from autodevops.toolbox.protocol import Tools

MOST_GROWTH = 2
MINIMUM: Field = ("spec", "minReplicas")
MAXIMUM: Field = ("spec", "maxReplicas")


class AdjustAutoscalerKind(FieldsKind[AdjustAutoscaler]):
    noun = AdjustAutoscaler
    resizes = True
    undo_words = "The bounds from before are put back."

    def fields(self, action: AdjustAutoscaler) -> Mapping[Field, Json]:
        wanted: dict[Field, Json] = {MINIMUM: action.min_replicas, MAXIMUM: action.max_replicas}
        return {field: value for field, value in wanted.items() if value is not None}

    def risk_of(self, pre: PreState) -> Risk:
        fields = pre.bound.get("fields")
        return "low" if isinstance(fields, dict) and text_of(MAXIMUM) not in fields else self.risk

    def rests_on(self, item: Object, action: AdjustAutoscaler) -> dict[str, Json]:
        spec = item.get("spec") or {}
        return {"bounds": [int(spec.get("minReplicas") or 1), int(spec.get("maxReplicas") or 1)]}

    async def workload(
        self, tools: Tools, item: Object, action: AdjustAutoscaler
    ) -> tuple[WorkloadState, Mapping[str, str]] | None:
        target = (item.get("spec") or {}).get("scaleTargetRef") or {}
        if target.get("kind") not in ("Deployment", "StatefulSet"):
            return None  # a custom workload: how it stands is not known here
        subject = Subject(
            kind=str(target["kind"]), name=str(target.get("name")), namespace=action.namespace, api_version="apps/v1"
        )
        try:
            found = await read_object(tools, subject)
        except ToolNotFound:
            return None
        return workload_state(found, subject), pod_labels(found)

    def blast(self, action: AdjustAutoscaler, pre: PreState) -> BlastRadius:
        if not pre.workloads:
            return BlastRadius(namespaces=(action.namespace,))
        (state,) = pre.workloads
        low, high = _bounds(action, pre)
        then = min(max(state.replicas, low), high)
        return BlastRadius(
            namespaces=(action.namespace,),
            workloads=(state.subject,),
            pods=abs(then - state.replicas),
            of_pods=max(state.replicas, then),
            away_at_once=max(0, state.replicas - then),
        )

    def objections(self, action: AdjustAutoscaler, pre: PreState, before: Mapping[str, Json]) -> Iterable[Refusal]:
        if not pre.workloads:
            yield refusal("What it scales does not exist, or is of no kind known here.", "Correct scaleTargetRef.")
        low, high = _bounds(action, pre)
        if low > high:
            yield refusal(f"At least {low} and at most {high} pods cannot be.", "Give bounds in order.")
        was = before.get(text_of(MAXIMUM))
        if isinstance(was, int) and high > MOST_GROWTH * was:
            yield refusal(
                f"A maximum of {high} is more than {MOST_GROWTH} times the {was} it has.",
                "Take a smaller step, and see what it does.",
            )


def _bounds(action: AdjustAutoscaler, pre: PreState) -> tuple[int, int]:
    """As they would be."""
    bounds = pre.bound.get("bounds")
    low, high = (int(str(one)) for one in bounds) if isinstance(bounds, list) else (1, 1)
    return action.min_replicas or low, action.max_replicas or high
