"""What happens during one turn of a conversation, as a stream of typed events.

Every surface (widget, Voila, CLI, later Slack and the API) renders this stream and nothing else.
A stream begins with `TurnStarted` and ends with exactly one of `AnswerCompleted` and `TurnFailed`.
The whole text of the answer is the concatenation of its `TextDelta`s.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from autodevops.domain.base import Json, Noun
from autodevops.domain.chart import Chart
from autodevops.domain.evidence import Evidence, EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.investigation import Investigation
from autodevops.domain.shown_operation import ShownOperation


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


class ActionProposed(ShownOperation):
    """A change that was proposed to the executor, as people are shown it. Nothing was changed by proposing it.

    The ledger's operation is the truth, this is how it looked then.
    """

    type: Literal["action_proposed"] = "action_proposed"


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
