"""Whether an earlier revision of a workload ran well, from what was measured and how long it stayed.

That its pods were ready is not that it answered without errors: nobody measures that by revision. Where nobody counts
ready pods (kube-state-metrics), that its containers ran on without a restart and that a rolling update took away those
of the revision before, which it does for pods that are available, stand in. What is not known is said, and a machine
then asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from autodevops.domain.base import Noun
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import Revision
from autodevops.executor.verifying import measure
from autodevops.kernel.errors import ToolError
from autodevops.kernel.query_text import literal
from autodevops.toolbox.protocol import Tools

STAYED = timedelta(hours=6)  # nobody lets a release that fails stand for so long
LOOKS = 3  # five minutes apart: fewer say nothing
RAN = timedelta(minutes=15)  # without a restart: a container that crashes does not get so far
WELL, FAILING = 0.9, 0.5  # shares of the time that it was wanted, with pods that were ready
_LATELY = "[6h:5m]"


class Proof(Noun):
    """`lately`: it was seen to run in the last six hours."""

    state: Literal["well", "failing", "unknown"]
    words: str
    lately: bool = False


async def proof_of(tools: Tools, subject: Subject, revision: Revision, all_of_it: Sequence[Revision]) -> Proof:
    """`all_of_it`: every revision that the cluster keeps. Only reads; what cannot be measured is not known."""
    name = f"Revision {revision.revision}"
    if subject.kind == "Deployment":
        if revision.ready_replicas:
            words = f"{name} has {revision.ready_replicas} of {revision.replicas} pods ready now."
            return Proof(state="well", words=words, lately=True)
        if revision.replicas:
            return Proof(state="failing", words=f"None of the {revision.replicas} pods of {name.lower()} are ready.")
        wanted, ready = await _looks(tools, subject, revision)
        if wanted >= LOOKS:
            words = (
                f"{name} had ready pods in {ready / wanted:.0%} of the time that it was wanted in the last six hours."
            )
            if ready >= WELL * wanted:
                return Proof(state="well", words=words, lately=True)
            return Proof(state="failing" if ready < FAILING * wanted else "unknown", words=words)
        ran = await _ran_alone(tools, subject, revision, all_of_it)
        if ran >= RAN:
            words = f"{name} ran alone for {ran.total_seconds() / 60:.0f} min without a restart in the last six hours."
            return Proof(state="well", words=words, lately=True)
    stayed = _stayed(revision, all_of_it)
    if stayed >= STAYED:
        return Proof(state="well", words=f"{name} stayed for {stayed.total_seconds() / 3600:.0f} hours.")
    return Proof(state="unknown", words=f"Whether {name.lower()} ran well is not known.")


async def _looks(tools: Tools, subject: Subject, revision: Revision) -> tuple[float, float]:
    """How often in the last six hours it was asked for pods, and how often it had ready ones then."""
    labels = f'{{namespace="{subject.namespace}",replicaset="{revision.owner}"}}'
    wanted, ready = f"kube_replicaset_spec_replicas{labels} > 0", f"kube_replicaset_status_ready_replicas{labels} > 0"
    both = [f"max(count_over_time(({query}){_LATELY}))" for query in (wanted, f"({ready}) and ({wanted})")]
    try:
        found = [await measure(tools, query) for query in both]
    except ToolError:
        return 0, 0
    return found[0] or 0, found[1] or 0


async def _ran_alone(tools: Tools, subject: Subject, revision: Revision, all_of_it: Sequence[Revision]) -> timedelta:
    """How long the container of its that got least far ran without a restart, by cAdvisor; zero where the rollout was
    not over when the next one began."""
    following = min((one.created_at for one in all_of_it if one.revision > revision.revision), default=None)
    if following is None:
        return timedelta(0)
    of_all, own = (
        f'container_start_time_seconds{{namespace="{subject.namespace}",pod=~"{name}-[a-z0-9]{{5}}"'
        f',container=~"{"|".join(map(literal, sorted(revision.images)))}"}}'
        for name in (f"{literal(subject.name)}-[a-z0-9]+", literal(revision.owner))
    )
    before = f"@ {following.timestamp() - 30:.0f}"
    lasted = f"min(max by (container) (max_over_time((timestamp({own}) - {own}){_LATELY})))"
    try:
        others = await measure(tools, f"count({of_all} {before}) - count({own} {before})")
        ran = await measure(tools, lasted) if others == 0 else None
    except ToolError:
        return timedelta(0)
    return timedelta(seconds=ran or 0)


def _stayed(revision: Revision, all_of_it: Sequence[Revision]) -> timedelta:
    """Until the next one was made. One that was gone back to has an older carrier: of that nothing is known."""
    later = [one.created_at for one in all_of_it if one.revision > revision.revision]
    return max(timedelta(0), min(later) - revision.created_at) if later else timedelta(0)
