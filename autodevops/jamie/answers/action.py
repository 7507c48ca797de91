"""Actions that people ask for: proposed to the executor, and told with how to say yes; else the exact command.

Jamie holds no tool that writes. Where nothing can be proposed (writing is off, no kind of action does it, the sentence
is unclear) the answer says why.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from autodevops.domain.action import Action
from autodevops.domain.evidence import Evidence
from autodevops.domain.remedy import Remedy
from autodevops.domain.stream import ActionProposed
from autodevops.domain.tool_results import ResourceResult
from autodevops.jamie.answers import Answer, understood, whose
from autodevops.jamie.commands import Command, command_for
from autodevops.jamie.context import Context
from autodevops.jamie.markdown import block, cites, code, prose
from autodevops.jamie.proposing import Proposing, action_of, picks, unclear
from autodevops.kernel.errors import AutoDevOpsError
from autodevops.toolbox.protocol import Emit, EvidenceSource

NOT_DONE = (
    "I only read: I hold no tool that changes anything. You run the command yourself, or, for what "
    "`autodevops act list` shows and with `kubernetes.allow_writes` and `executor.approvers` set, "
    "I propose it and people say yes."
)


async def answer(
    context: Context,
    source: EvidenceSource,
    emit: Emit,
    proposing: Proposing | None = None,
    offered: Sequence[Remedy] = (),
) -> Answer:
    """`offered`: the remedies that the last investigation named, in the order in which they were told."""
    if proposing is None:
        return await _commanded(context, source)
    if place := picks(context.question):
        if context.items or abs(place) > len(offered):
            return Answer(
                "**Nothing was proposed.** There is no change by that number in my last answer. Which one do you mean?",
                follow_ups=(f"What is wrong in {context.namespace}?",),
            )
        picked = offered[place - 1 if place > 0 else place]
        return await proposed(picked.action, picked.why, proposing, emit, picked)
    if question := unclear(context):
        given = await _commanded(context, source)
        return replace(given, text=f"**Nothing was proposed.** {prose(question)}\n\n{given.text}")
    action = await action_of(context, source)
    if action is None:
        return await _commanded(context, source)
    told_of = await proposed(action, context.question, proposing, emit)
    if told_of.items:
        return told_of
    given = await _commanded(context, source)
    return replace(given, text=f"{given.text}\n\n{told_of.text}")


async def proposed(action: Action, why: str, proposing: Proposing, emit: Emit, remedy: Remedy | None = None) -> Answer:
    """Propose it and tell what came of that. `items` is the subject where there is a plan, and empty where none is."""
    try:
        operation = await proposing.propose(action, why=why, remedy=remedy)
    except AutoDevOpsError as error:
        return Answer(f"**It could not be proposed.** {prose(f'{error.message} {error.next_step}'.strip())}")
    event = ActionProposed.of(operation)
    emit(event)
    items = (action.subject,) if operation.plan else ()
    return Answer(_in_words(event), items=items, follow_ups=(f"Is {action.subject.name} ok?",))


def _in_words(event: ActionProposed) -> str:
    what = code(f"{event.kind.replace('_', ' ')} {event.subject}")
    waits = event.state == "pending" and event.expires_at is not None
    if not waits:
        left = prose(event.words) or f"It is {event.stage}."
        return f"**Nothing was changed: {what} was asked for and is not open.** {left} ({event.operation})"
    people = "one person" if event.needed == 1 else f"{event.needed} people"
    lines = [
        f"**Nothing was changed yet: I proposed to {what}.** It waits for {people} to say yes until "
        f"{event.expires_at:%Y-%m-%d %H:%M} UTC; its risk is {event.risk}.",
        "",
        f"- Tried without doing it: {prose(event.dry_run)}",
        *(f"- {code(str(edit.path))}: {code(str(edit.before))} → {code(str(edit.after))}" for edit in event.diff[:8]),
        *([f"- and {len(event.diff) - 8} more fields"] if len(event.diff) > 8 else []),
        *(f"- Warning: {prose(one)}" for one in event.warnings),
        f"- Taken back by: {prose(event.undo) or 'nothing, it cannot be taken back'}",
        "",
        "Somebody with the role sees the whole plan and answers with",
        "",
        block((f"autodevops approve grant {event.operation}",), language="sh", width=1000),
    ]
    return "\n".join(lines)


async def _commanded(context: Context, source: EvidenceSource) -> Answer:
    subject = context.subject
    command = command_for(
        context.text,
        kind=subject.kind if subject else "",
        name=subject.name if subject else "",
        namespace=context.namespace,
        node=context.node,
    )
    why = f"Why is {subject.name} failing?" if subject else f"What is wrong in {context.namespace}?"
    if command is None:
        return Answer(
            f"**Nothing was changed.** {NOT_DONE} Ask me why first, and I name the next step.",
            (),
            (why, "What changed today?"),
        )
    if not command.lines:
        return Answer(f"**Nothing was changed.** {prose(command.lacks)}\n\n{NOT_DONE}", (), (why, "List deployments"))
    now = ""
    evidence: tuple[Evidence, ...] = ()
    if subject is not None and subject.kind != "Pod" and not context.node:
        found = await source.collect(
            "kubernetes.get_resource", {"kind": subject.kind, "name": subject.name, "namespace": subject.namespace}
        )
        if found.ok:
            evidence = (found,)
            now = f" {_state(understood(found, ResourceResult).resource)}{cites([found.id])}"
    about = f" {prose(command.lacks)}" if command.lacks else ""
    text = f"**Nothing was changed; this would {prose(command.does)}.**{now}{about}\n\n{told(command)}\n\n{NOT_DONE}"
    if not context.node and subject is not None:
        text += f" Context: {whose(context)}."
    return Answer(text, evidence, (why, f"Is {subject.name} ok?" if subject else "How full are the nodes?"))


def told(command: Command) -> str:
    """The command to copy, how it is tried and how it is taken back."""
    return (
        f"{block(command.lines, language='sh', width=1000)}\n\n"
        f"- Try or check it: {code(command.check, 300)}\n- Taken back by: {_taken_back(command.undo)}"
    )


def _state(item: object) -> str:
    spec: dict[str, object] = item.get("spec") or {} if isinstance(item, dict) else {}
    status: dict[str, object] = item.get("status") or {} if isinstance(item, dict) else {}
    if "replicas" in spec:
        return f"Now {status.get('readyReplicas') or 0} of {spec['replicas']} replicas are ready."
    return ""


def _taken_back(undo: str) -> str:
    """The command as code, what is said beside it as words."""
    command = re.search(r"(?:kubectl|amtool) [^(,]*[^(, ]", undo)
    if command is None:
        return prose(undo)
    before, after = prose(undo[: command.start()]), prose(undo[command.end() :])
    return f"{before} {code(command[0], 300)}{'' if after.startswith(',') else ' '}{after}".strip()
