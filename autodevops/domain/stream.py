"""What happens during one turn of a conversation, as a stream of typed events.

Every surface (widget, Voila, CLI, later Slack and the API) renders this stream and nothing else.
A stream begins with `TurnStarted` and ends with exactly one of `AnswerCompleted` and `TurnFailed`.
The whole text of the answer is the concatenation of its `TextDelta`s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from autodevops.domain.approval import ApprovalState
from autodevops.domain.base import Json, Noun, UtcDatetime
from autodevops.domain.chart import Chart
from autodevops.domain.evidence import Evidence, EvidenceId
from autodevops.domain.field_edit import FieldEdit
from autodevops.domain.finding import Finding
from autodevops.domain.investigation import Investigation
from autodevops.domain.risk import Risk
from autodevops.domain.stage import Stage

if TYPE_CHECKING:
    from autodevops.domain.operation import Operation


class TurnStarted(Noun):
    type: Literal["turn_started"] = "turn_started"
    question: str
    turn_id: str = ""  # by which the turn is judged and found in the ledger; empty for what is no question


class ContextRetrieved(Noun):
    """What the turn is about, as understood: shown so that a misunderstanding is seen at once."""

    type: Literal["context_retrieved"] = "context_retrieved"
    intent: str
    namespace: str
    subject: str = ""
    window: str = ""  # for people, e.g. "last 60 min to 2026-11-24 03:45 UTC"
    about: str = ""  # what a surface took along with the question, e.g. "cell [3]"


class ToolCallStarted(Noun):
    type: Literal["tool_call_started"] = "tool_call_started"
    call_id: str
    tool: str
    arguments: dict[str, Json]
    query: str


class ToolCallFinished(Noun):
    type: Literal["tool_call_finished"] = "tool_call_finished"
    call_id: str
    evidence: EvidenceId
    ok: bool
    preview: str  # one line: what came back, or the error
    duration_ms: float


class FindingRaised(Noun):
    type: Literal["finding_raised"] = "finding_raised"
    finding: Finding


class ChartReady(Noun):
    type: Literal["chart_ready"] = "chart_ready"
    chart: Chart


class ActionProposed(Noun):
    """A change that was proposed to the executor, as people are shown it. Nothing was changed by proposing it.

    `digest` is what a yes is about; empty when there is no plan, and `words` then says why. `needed` is how many
    people must say yes, 0 when nobody is asked. The ledger's operation is the truth, this is how it looked then.
    """

    type: Literal["action_proposed"] = "action_proposed"
    operation: str
    digest: str = ""
    kind: str
    title: str  # e.g. "restart workload shop/Deployment/cart"
    subject: str
    asked_by: str
    by_person: bool
    risk: Risk | None = None  # as decided: declared, then raised
    reversible: bool = False
    undo: str = ""  # in words; empty: it cannot be taken back
    why: str = ""
    dry_run: str = ""  # what the system answered
    diff: tuple[FieldEdit, ...] = ()
    warnings: tuple[str, ...] = ()
    state: Stage
    approval: ApprovalState | None = None
    needed: int = 0
    expires_at: UtcDatetime | None = None
    words: str = ""  # the refusals with what would open them, or the outcome
    evidence: tuple[EvidenceId, ...] = ()

    @classmethod
    def of(cls, operation: Operation) -> ActionProposed:
        proposal, plan = operation.proposal, operation.plan
        decision, approval, outcome = operation.decision, operation.approval, operation.outcome
        refused = " ".join(f"{no.words} {no.next_step}".strip() for no in decision.refusals) if decision else ""
        action = proposal.action
        risk = decision.risk if decision else plan.risk if plan else None
        return cls(
            operation=operation.id,
            digest=plan.digest if plan else "",
            kind=action.kind,
            title=f"{action.kind.replace('_', ' ')} {action.subject}",
            subject=str(action.subject),
            asked_by=proposal.asked_by,
            by_person=proposal.by_person,
            risk=risk,
            reversible=bool(plan and plan.undo),
            undo=plan.undo if plan else "",
            why=proposal.why,
            dry_run=plan.dry_run.summary if plan else "",
            diff=plan.dry_run.edits if plan else (),
            warnings=plan.dry_run.warnings if plan else (),
            state=operation.stage,
            approval=approval.state if approval else None,
            needed=approval.needed if approval else 0,
            expires_at=approval.expires_at if approval else None,
            words=refused or (outcome.words if outcome else ""),
            evidence=proposal.evidence,
        )


class TextDelta(Noun):
    type: Literal["text_delta"] = "text_delta"
    text: str


class AnswerCompleted(Noun):
    """The whole answer. Sentences cite evidence as `[ev-...]`; each id is in `evidence`."""

    type: Literal["answer_completed"] = "answer_completed"
    turn_id: str = ""
    text: str  # Markdown
    narrator: str  # "built-in", or "ollama:<model>"
    note: str = ""  # e.g. why the built-in narrator took over
    evidence: tuple[Evidence, ...] = ()
    investigation: Investigation | None = None
    follow_ups: tuple[str, ...] = ()


class TurnFailed(Noun):
    type: Literal["turn_failed"] = "turn_failed"
    message: str
    next_step: str = ""
    code: str = ""  # the error's code (kernel.errors): "usage" when asking differently would help
    cancelled: bool = False


TurnEvent = Annotated[
    TurnStarted
    | ContextRetrieved
    | ToolCallStarted
    | ToolCallFinished
    | FindingRaised
    | ChartReady
    | ActionProposed
    | TextDelta
    | AnswerCompleted
    | TurnFailed,
    Field(discriminator="type"),
]
