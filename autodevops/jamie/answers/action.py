"""Actions that people ask for: what would be done and the exact command. Jamie holds no tool that writes."""

from __future__ import annotations

import re

from autodevops.domain.evidence import Evidence
from autodevops.domain.tool_results import ResourceResult
from autodevops.jamie.answers import Answer, understood, whose
from autodevops.jamie.commands import Command, command_for
from autodevops.jamie.context import Context
from autodevops.jamie.markdown import block, cites, code, prose
from autodevops.toolbox.protocol import Emit, EvidenceSource

NOT_DONE = (
    "I only read: I hold no tool that changes anything. Changes with a plan, an approval and an undo will go through "
    "the executor, which does not exist yet; until then you run the command yourself."
)


async def answer(context: Context, source: EvidenceSource, emit: Emit) -> Answer:
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
