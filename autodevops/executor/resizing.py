"""More of a container or of its pods, sized by what is measured: actions to propose. Only reads."""

from __future__ import annotations

import re
from typing import Any, Literal, cast

from autodevops.domain.action import Action, AdjustAutoscaler, PatchResources, ScaledKind, ScaleWorkload
from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.quantity import quantity
from autodevops.domain.subject import POD_SUFFIXES, Subject
from autodevops.executor.actions.patch_resources import MOST_GROWTH
from autodevops.executor.actions.scale_workload import one_step
from autodevops.executor.pods import WORKLOADS
from autodevops.executor.reading import asked_for, read_object, read_scalers
from autodevops.executor.verifying import measure
from autodevops.kernel.errors import ToolError
from autodevops.toolbox.protocol import Tools

MORE = 1.5  # times: enough to see whether it helps, little enough to be no new trouble
MARGIN = 1.25  # times what was measured: use has peaks that the 99th percentile does not show
HELD_BACK = 0.5  # of the scheduler's periods: a start or a garbage collection alone does a quarter
_MI = 2**20


async def more_memory(tools: Tools, hypothesis: Hypothesis) -> Action | None:
    return await _more(tools, hypothesis.subject, "memory")


async def more_cpu(tools: Tools, hypothesis: Hypothesis) -> Action | None:
    return await _more(tools, hypothesis.subject, "cpu")


async def _more(tools: Tools, subject: Subject, what: Literal["cpu", "memory"]) -> Action | None:
    """What was measured in the last day and a margin, where some pod used more than the limit now allows; else its
    use was cut off there, and it gets half as much again. For one container: of several it is not said which."""
    if subject.kind not in WORKLOADS:
        return None
    item: Any = await read_object(tools, subject)
    containers = item["spec"]["template"]["spec"]["containers"]
    limit = ((containers[0].get("resources") or {}).get("limits") or {}).get(what)
    if len(containers) != 1 or not limit:
        return None
    has, used = quantity(limit), await _used(tools, subject, str(containers[0]["name"]), what)
    wanted = min(used * MARGIN, has * MOST_GROWTH) if used > has else has * MORE
    more = {"cpu_limit": f"{wanted * 1000:.0f}m"} if what == "cpu" else {"memory_limit": f"{wanted / _MI:.0f}Mi"}
    return PatchResources.model_validate(
        {
            "workload": subject.kind,
            "namespace": subject.namespace,
            "name": subject.name,
            "container": containers[0]["name"],
            **more,
        }
    )


async def _used(tools: Tools, subject: Subject, container: str, what: Literal["cpu", "memory"]) -> float:
    """The 99th percentile of the last day of the pod that used most; 0 where nobody measures it."""
    pods = f'namespace="{subject.namespace}",pod=~`{re.escape(subject.name)}-.+`,container="{container}"'
    use = f"container_memory_working_set_bytes{{{pods}}}[1d]"
    if what == "cpu":
        use = f"rate(container_cpu_usage_seconds_total{{{pods}}}[5m])[1d:5m]"
    return await _measured(tools, f"max(quantile_over_time(0.99, {use}))")


async def _measured(tools: Tools, query: str) -> float:
    """0 where nobody measures it."""
    try:
        return await measure(tools, query) or 0.0
    except ToolError:
        return 0.0


async def more_pods(tools: Tools, hypothesis: Hypothesis) -> Action | None:
    """Half as many again: by the autoscaler's maximum, where one decides."""
    subject = hypothesis.subject
    if subject.kind not in ("Deployment", "StatefulSet"):
        return None
    if scalers := await read_scalers(tools, subject):
        return wider(scalers[0])
    replicas = asked_for(await read_object(tools, subject))
    return _scaled(subject, -(-replicas * 3 // 2)) if replicas else None


async def more_consumers(tools: Tools, hypothesis: Hypothesis) -> Action | None:
    """Where it is known who takes from the queue; a broker is no larger for having more pods."""
    return await more_pods(tools, hypothesis) if hypothesis.subject.kind == "Deployment" else None


async def more_pods_where_short(tools: Tools, hypothesis: Hypothesis) -> Action | None:
    """For the one behind the entry that is most held back, else for the entry itself: more of it send on no less.

    None where nobody is known to be short of processor time: it is no pods that are lacking, or not seen whose. That
    an autoscaler is at its maximum does not tell: it goes by requests, of which pods may use many times as much.
    """
    entry = await _scaled_by(tools, hypothesis.subject)
    shares = {one: await _held_back(tools, one) for one in (*hypothesis.suffering, entry)}
    short = [one for one, share in shares.items() if share >= HELD_BACK]
    if not short:
        return None
    first = max(short, key=lambda one: (one != entry, shares[one]))
    return await more_pods(tools, hypothesis.model_copy(update={"subject": first}))


async def _scaled_by(tools: Tools, subject: Subject) -> Subject:
    """What an autoscaler sizes; anything else is itself."""
    if subject.kind != "HorizontalPodAutoscaler":
        return subject
    target: Any = (await read_object(tools, subject))["spec"]["scaleTargetRef"]
    return Subject(kind=target["kind"], name=target["name"], namespace=subject.namespace, api_version="apps/v1")


async def _held_back(tools: Tools, subject: Subject) -> float:
    """In how many of the scheduler's periods its pods wait for their CPU limit; 0 where nobody measures it."""
    if subject.kind not in POD_SUFFIXES:
        return 0.0
    pods = f'namespace="{subject.namespace}",pod=~`{re.escape(subject.name)}{POD_SUFFIXES[subject.kind]}`,container!=""'
    held, periods = (
        f"sum(increase(container_cpu_cfs_{name}_total{{{pods}}}[5m]))" for name in ("throttled_periods", "periods")
    )
    return await _measured(tools, f"{held} / {periods}")


async def as_many_as_before(tools: Tools, hypothesis: Hypothesis) -> Action | None:
    """As many as it had in the last day, by what was measured, nobody else remembers; as far as one step may go."""
    subject = hypothesis.subject
    if subject.kind not in ("Deployment", "StatefulSet"):
        return None
    label = subject.kind.lower()
    metric = "kube_deployment_spec_replicas" if label == "deployment" else "kube_statefulset_replicas"
    query = f'max(max_over_time({metric}{{namespace="{subject.namespace}",{label}="{subject.name}"}}[1d]))'
    had, has = int(await measure(tools, query) or 0), asked_for(await read_object(tools, subject))
    return _scaled(subject, min(had, one_step(has)) if has else had) if had > has else None


async def at_least_more(tools: Tools, hypothesis: Hypothesis) -> Action | None:
    """Half as many again at least: the autoscaler's minimum holds when it cannot read what it scales by."""
    if hypothesis.subject.kind != "HorizontalPodAutoscaler":
        return None
    scaler: Any = await read_object(tools, hypothesis.subject)
    spec, now = scaler["spec"], int((scaler.get("status") or {}).get("currentReplicas") or 0)
    least = min(int(spec["maxReplicas"]), int(now * MORE + 0.5))
    if least <= max(now, int(spec.get("minReplicas") or 1)):
        return None
    metadata = scaler["metadata"]
    return AdjustAutoscaler(namespace=metadata["namespace"], name=metadata["name"], min_replicas=least)


def wider(scaler: Any) -> AdjustAutoscaler | None:
    """None while it wants no more than it may have: a higher maximum would change nothing."""
    most = int(scaler["spec"]["maxReplicas"])
    if int((scaler.get("status") or {}).get("desiredReplicas") or 0) < most:
        return None
    metadata = scaler["metadata"]
    return AdjustAutoscaler(
        namespace=metadata["namespace"], name=metadata["name"], max_replicas=max(most + 1, int(most * MORE))
    )


def _scaled(subject: Subject, replicas: int) -> ScaleWorkload:
    return ScaleWorkload(
        workload=cast(ScaledKind, subject.kind), namespace=subject.namespace, name=subject.name, replicas=replicas
    )
