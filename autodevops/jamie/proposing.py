"""From a person's words to a typed action for the executor. Jamie proposes and holds no tool that writes.

An action is picked by its place from the engine's remedies, or made of the sentence's declared fields by patterns: a
verb, a thing that exists, a number. Nothing is taken from a model or from pasted text. A sentence that says more than
one change to one thing, now, is asked back about.
"""

from __future__ import annotations

import re
from typing import Protocol

from autodevops.domain.action import ACTION, Action
from autodevops.domain.base import Json
from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.operation import Operation
from autodevops.domain.remedy import Remedy
from autodevops.domain.tool_results import RolloutHistory
from autodevops.jamie import intent, names
from autodevops.jamie.commands import verb_of
from autodevops.jamie.context import Context
from autodevops.jamie.selection import Selected
from autodevops.toolbox.protocol import EvidenceSource

_PICK = re.compile(r"\b(do|try|take|propose|go with|apply)\b[\w ]*\b(one|remedy|action|of them|of these)\W*$", re.I)
_MORE = re.compile(
    r"\b(and|then|but|both|all|every|each|except|not|never|if|unless|when|once|until|after|before|later|tomorrow"
    r"|tonight|or|instead)\b",
    re.I,
)
_VERB = re.compile(
    r"\b(restart|bounce|redeploy|roll ?back|undo|scale|delete|kill|remove|evict|cordon|uncordon|drain)\b(.*)",
    re.I | re.S,
)
_TO = re.compile(r"\bto\s+(\d{1,4})(?![\w.%])(?!\s*(%|percent))", re.I)
_REVISION = re.compile(r"\brevision (\d{1,6})\b", re.I)
_ROLLED = ("Deployment", "StatefulSet", "DaemonSet")


class Proposing(Protocol):
    """The executor's front door, with who asks filled in by whoever passes it on. It is not asked to act."""

    async def remedies(self, hypothesis: Hypothesis) -> tuple[Remedy, ...]:
        """Actions that could be proposed for a cause; only reads. Raises ToolError."""
        ...

    async def propose(self, action: Action, *, why: str, remedy: Remedy | None = None) -> Operation:
        """`remedy` is what it was picked from. Raises an AutoDevOpsError when there is nobody to propose to."""
        ...


def picks(text: str) -> int:
    """Which remedy of the last investigation is meant, from 1; -1 for the last; 0 when none is."""
    return intent.ordinal_of(text) if _PICK.search(text) else 0


def unclear(context: Context) -> str:
    """Why no action is made of this sentence, as a question back; empty when one may be."""
    if intent.read(context.question).intent != "action":
        return "Say what is to be done as a sentence of its own, for example `restart checkout`."
    verb = _VERB.search(context.text)
    if _MORE.search(verb[2] if verb else "") or len(names.words_of(context.question)) != len(
        names.words_of(context.text)
    ):
        return "I propose one change to one thing, to be done when people say yes. Which one?"
    subject = context.subject
    if subject is None or context.node:
        return ""
    named = names.find(names.words_of(context.text), [subject.name])
    said = (named is not None and bool(named.name)) or subject.name.lower() in context.text.lower()
    pointed = intent.has_pronoun(context.text) and context.selected == Selected()
    return "" if said or pointed else f"Do you mean {subject.name}? Say its name."


async def action_of(context: Context, source: EvidenceSource) -> Action | None:
    """What the sentence asks for; None where no kind of action does it, or a field is not said."""
    verb, subject = verb_of(context.text), context.subject
    fields: dict[str, Json]
    if verb in ("drain", "cordon", "uncordon"):
        return ACTION.validate_python({"kind": f"{verb}_node", "name": context.node}) if context.node else None
    if subject is None:
        return None
    if subject.kind == "Pod":
        kind = {"delete": "delete_pod", "evict": "evict_pod", "restart": "evict_pod"}.get(verb)
        fields = {"kind": kind, "namespace": subject.namespace, "name": subject.name}
        return ACTION.validate_python(fields) if kind else None
    fields = {"workload": subject.kind, "namespace": subject.namespace, "name": subject.name}
    if subject.kind not in _ROLLED:
        return None
    if verb == "restart":
        return ACTION.validate_python({"kind": "restart_workload", **fields})
    if verb == "scale" and subject.kind != "DaemonSet":
        to = _TO.search(context.text)
        if to is None or not 0 < int(to[1]) <= 1000:
            return None
        return ACTION.validate_python({"kind": "scale_workload", "replicas": int(to[1]), **fields})
    if verb == "rollback":
        said = _REVISION.search(context.text)
        revision = int(said[1]) if said else await _before(context, source)
        if not revision:
            return None
        return ACTION.validate_python({"kind": "rollback_workload", "to_revision": revision, **fields})
    return None


async def _before(context: Context, source: EvidenceSource) -> int:
    """The revision before the newest one, as the cluster keeps them; 0 when it keeps none."""
    subject = context.subject
    assert subject is not None
    arguments: dict[str, Json] = {"kind": subject.kind, "name": subject.name, "namespace": subject.namespace}
    found = await source.collect("kubernetes.get_rollout_history", arguments)
    if not found.ok:
        return 0
    revisions = sorted(one.revision for one in RolloutHistory.model_validate(found.data).revisions)
    return revisions[-2] if len(revisions) > 1 else 0
