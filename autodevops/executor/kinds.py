"""What one kind of action knows how to do. The pipeline (`autodevops.executor.executor`) knows everything else.

A kind is a stateless object, one file in `executor/actions/`, listed in `executor/catalogue.py`. `restart_workload` is
the model. What a kind has to promise, because the pipeline builds on it:

- `survey`, `look` and `verify` only read. `dry_run` asks the system itself to check the change and keeps nothing.
- `apply` and `undo` are safe to send twice and guarded against others' changes: they set absolute values, or marks that
  follow from `errand.operation` and `errand.at`, under the resource version (or uid) that they read just before and
  compared with `errand.pre`. What has changed since is a ToolRejected, never overwritten.
- `look` tells from the world alone whether the change of this very errand is there: it is asked after a crash, by
  another process, when nobody knows whether the request ever left. It needs no token from `apply`.
- What servers say has its secrets masked. A kind that would have to put back a masked value refuses beforehand
  (`preconditions`).
- Nothing is decided here: no waiting, no repeating, no clock, no ledger. ToolErrors go up as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, Protocol, TypeVar

from autodevops.domain.base import Json, Noun
from autodevops.domain.decision import Refusal
from autodevops.domain.outcome import EffectCheck
from autodevops.domain.plan import BlastRadius, DryRun, PreState
from autodevops.domain.risk import Risk
from autodevops.kernel.errors import ToolRejected
from autodevops.toolbox.protocol import Tools

A = TypeVar("A")
_NO_WAY_BACK = ("It cannot be taken back.", "See what it did, and mend that by hand.")


@dataclass(frozen=True)
class Errand(Generic[A]):
    """One action of one operation; `at` is when it was proposed. Both are the same however often it is tried."""

    operation: str
    at: datetime
    action: A
    pre: PreState


class Applied(Noun):
    """What the system answered to the change; for the ledger, not for finding out later whether it happened."""

    summary: str
    data: dict[str, Json] = {}


class Progress(Noun):
    """How far a change is. `lost`: it was there, and something else has replaced it or the subject is gone.

    `final`: a request that nobody waits for any more cannot arrive either.
    """

    state: Literal["not_applied", "applied", "settled", "lost"]
    words: str
    final: bool = False


class Kind(Protocol[A]):
    """A kind inherits from it what holds of most: no way back, no rollout ended, nobody resized."""

    noun: type[A]  # of autodevops.domain.action
    risk: Risk
    undo_words: str = ""
    """How it is taken back, in words; empty: it cannot be, and `undo` is never called."""
    ends_rollouts: bool = False
    """It is meant to end a rollout that is under way, such as a rollback; others never come between one."""
    resizes: bool = False
    """It may leave fewer replicas than there were, and that is no sign of a cheat."""

    async def survey(self, tools: Tools, action: A, now: datetime) -> PreState:
        """What is there. Raises ToolNotFound when the subject is not."""
        ...

    def blast(self, action: A, pre: PreState) -> BlastRadius: ...

    def preconditions(self, action: A, pre: PreState) -> tuple[Refusal, ...]:
        """Why it makes no sense here, e.g. a paused workload; guardrails that hold for all kinds are not repeated."""
        ...

    def ends_another(self, pre: PreState) -> bool:
        """Whether a rollout under way that it ends is another one than that which it takes back."""
        return self.ends_rollouts

    def risk_of(self, pre: PreState) -> Risk:
        return self.risk

    def undo_of(self, pre: PreState) -> str:
        return self.undo_words

    def doubts(self, pre: PreState) -> tuple[str, ...]:
        """What is not known and should be, in words: a machine asks then, whatever it may do by itself."""
        return ()

    async def dry_run(self, tools: Tools, errand: Errand[A]) -> DryRun:
        """Raises ToolRejected with the system's own words when it would refuse. The same errand has the same edits."""
        ...

    async def apply(self, tools: Tools, errand: Errand[A]) -> Applied: ...

    async def look(self, tools: Tools, errand: Errand[A]) -> Progress: ...

    async def obstacles(self, tools: Tools, errand: Errand[A], *, undone: bool) -> Mapping[str, str] | None:
        """What keeps the change, or the way back, from its end now that it is there: names and uids. Only reads.

        None: it cannot be told yet. The plan has told whatever may be among them.
        """
        return {}

    async def clear(self, tools: Tools, errand: Errand[A], obstacles: Mapping[str, str]) -> str:
        """Take them away; what was done, in words. Safe to send twice."""
        return ""

    async def verify(self, tools: Tools, errand: Errand[A]) -> tuple[EffectCheck, ...]:
        """Checks of this kind's own. That workloads exist and have their pods, and the symptom, is checked for all."""
        ...

    async def undo(self, tools: Tools, errand: Errand[A]) -> Applied:
        """Put back what `errand.pre` says. Safe to send twice; ToolRejected when others have changed it meanwhile."""
        raise ToolRejected(*_NO_WAY_BACK)

    async def look_undone(self, tools: Tools, errand: Errand[A]) -> Progress:
        """How far the way back is: `settled` when what was is there again."""
        raise ToolRejected(*_NO_WAY_BACK)


AnyKind = Kind[Any]
