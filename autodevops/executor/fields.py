"""Kinds that give declared fields of one object other values: in one guarded patch that bears the operation's mark.

A subclass says which fields and what it thinks of them; this file reads, patches, recognises its own work and puts back
what was. The mark is an annotation of the object (not of its pods), written with the fields in the same request: so a
look at the object tells whether it was this errand that changed it, whoever has changed what since.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from autodevops.domain.action import Action, PatchEnv, PatchImage, PatchProbe, PatchResources
from autodevops.domain.base import Json
from autodevops.domain.decision import Refusal
from autodevops.domain.field_edit import FieldEdit
from autodevops.domain.outcome import EffectCheck
from autodevops.domain.plan import BlastRadius, DryRun, PreState, WorkloadState
from autodevops.domain.risk import Risk
from autodevops.executor.kinds import Applied, Errand, Kind, Progress
from autodevops.executor.reading import Object, pod_labels, read_again, read_budgets, read_object, workload_state
from autodevops.executor.stuck_pods import SAVED, in_the_way, replace, stuck_pods, told
from autodevops.executor.writing import guarded_patch, unchanged
from autodevops.kernel.errors import ToolRejected
from autodevops.toolbox.protocol import Tools

MARK = "autodevops.io/operation"  # the id of the operation that changed it last
UNDONE = " undone"
MASKED = "[redacted:"


class Named(NamedTuple):
    """The element of a list that has this name."""

    name: str


Field = tuple["str | Named", ...]
CONTAINERS: Field = ("spec", "template", "spec", "containers")

A = TypeVar("A", bound=Action)
T = TypeVar("T", bound=PatchEnv | PatchImage | PatchProbe | PatchResources)


def text_of(field: Field) -> str:
    """`spec.containers[app].image`, as edits spell it."""
    return "".join(f"[{step.name}]" if isinstance(step, Named) else f".{step}" for step in field).removeprefix(".")


def value_at(item: Any, field: Field) -> Json:
    """None: it is not there."""
    for step in field:
        if isinstance(step, Named):
            found = [one for one in item or () if isinstance(one, Mapping) and one.get("name") == step.name]
            item = found[0] if found else None
        else:
            item = item.get(step) if isinstance(item, Mapping) else None
    value: Json = item
    return value


def patch_of(values: Iterable[tuple[Field, Json]]) -> dict[str, Json]:
    """The strategic merge patch that gives each field its value, None takes it away. No field ends with a `Named`."""
    patch: dict[str, Any] = {}
    for field, value in values:
        here: Any = patch
        for step, following in zip(field, (*field[1:], None), strict=True):
            if isinstance(step, Named):
                found = next((one for one in here if one["name"] == step.name), None)
                if found is None:
                    found = {"name": step.name}
                    here.append(found)
                here = found
            elif following is None:
                here[step] = value
            else:
                here = here.setdefault(step, [] if isinstance(following, Named) else {})
    return patch


class FieldsKind(Kind[A]):
    """`fields` names what is written and the values wanted."""

    noun: type[A]
    risk: Risk = "medium"
    undo_words: str = "The values from before are put back."

    @abstractmethod
    def fields(self, action: A) -> Mapping[Field, Json]: ...

    async def workload(self, tools: Tools, item: Object, action: A) -> tuple[WorkloadState, Mapping[str, str]] | None:
        """The workload whose pods it is about, and the labels of those; None where there is none."""
        return workload_state(item, action.subject), pod_labels(item)

    def rests_on(self, item: Object, action: A) -> dict[str, Json]:
        """What the plan rests on besides uid and values."""
        return {}

    async def saved(self, tools: Tools, item: Object) -> dict[str, Json]:
        """What the plan tells and does not rest on."""
        return {}

    def objections(self, action: A, pre: PreState, before: Mapping[str, Json]) -> Iterable[Refusal]:
        """`before` has the values by field, as text."""
        return ()

    def same(self, found: Json, wanted: Json) -> bool:
        return found == wanted

    async def survey(self, tools: Tools, action: A, now: datetime) -> PreState:
        item = await read_object(tools, action.subject)
        workload = await self.workload(tools, item, action)
        before = {text_of(field): value_at(item, field) for field in self.fields(action)}
        bound: dict[str, Json] = {"uid": _uid(item), "fields": before, **self.rests_on(item, action)}
        if workload is None:
            return PreState(taken_at=now, bound=bound)
        state, labels = workload
        budgets = await read_budgets(tools, state.subject.namespace, labels)
        saved = await self.saved(tools, item)
        return PreState(taken_at=now, bound=bound, workloads=(state,), budgets=budgets, saved=saved)

    def preconditions(self, action: A, pre: PreState) -> tuple[Refusal, ...]:
        before = _before(pre)
        wanted = {text_of(field): value for field, value in self.fields(action).items()}
        if not wanted:
            return (refusal("Nothing is to be changed: no value is given.", "Give at least one."),)
        found = list(self.objections(action, pre, before))
        if masked := [name for name, value in before.items() if MASKED in str(value)]:
            words = (
                f"{', '.join(masked)} holds what looks like a secret: it is not seen here, so it could not be put back."
            )
            found.append(refusal(words, "Change it where secrets are kept."))
        if not found and all(self.same(before.get(name), value) for name, value in wanted.items()):
            found.append(refusal(f"{action.subject} is so already.", "Nothing is to be done."))
        return tuple(found)

    async def dry_run(self, tools: Tools, errand: Errand[A]) -> DryRun:
        subject, fields = errand.action.subject, self.fields(errand.action)
        answer = await guarded_patch(tools, subject, _marked(fields.items(), errand.operation), dry_run=True)
        told = ", ".join(
            f"{text_of(field)}: {_said(_before(errand.pre).get(text_of(field)))} -> {_said(value)}"
            for field, value in fields.items()
        )
        edits = tuple(edit for edit in answer.edits if not _is_mark(edit))
        return DryRun(summary=f"{subject} would be changed: {told}.", edits=edits, warnings=answer.warnings)

    async def apply(self, tools: Tools, errand: Errand[A]) -> Applied:
        subject = errand.action.subject
        item = await read_object(tools, subject)
        if _mark(item) == errand.operation:
            return Applied(summary=f"{subject} was changed already.")
        found = {"uid": _uid(item), **self.rests_on(item, errand.action)}
        values = {text_of(field): value_at(item, field) for field in self.fields(errand.action)}
        unchanged(subject, errand.pre.bound, {**found, "fields": values})
        fields = self.fields(errand.action).items()
        answer = await guarded_patch(
            tools, subject, _marked(fields, errand.operation), version=_version(item), dry_run=False
        )
        return Applied(summary=answer.summary, data={"resource_version": answer.resource_version})

    async def look(self, tools: Tools, errand: Errand[A]) -> Progress:
        subject = errand.action.subject
        item = await read_again(tools, errand)
        if isinstance(item, Progress):
            return item
        if _mark(item) == errand.operation + UNDONE:
            return Progress(state="lost", words=f"{subject} was changed, and changed back.")
        if _mark(item) != errand.operation:
            return Progress(state="not_applied", words=f"{subject} does not bear the mark of this change.")
        if others := self._not_ours(item, errand):
            return Progress(state="lost", words=f"{subject} was changed by somebody else since: {others}.")
        return await self._settled(tools, item, errand)

    async def verify(self, tools: Tools, errand: Errand[A]) -> tuple[EffectCheck, ...]:
        progress = await self.look(tools, errand)
        if progress.state == "settled":
            return (EffectCheck(name="values", judgement="good", words="The values are as planned."),)
        return (EffectCheck(name="values", judgement="unknown", words=progress.words),)

    async def undo(self, tools: Tools, errand: Errand[A]) -> Applied:
        subject = errand.action.subject
        item = await read_object(tools, subject)
        if _mark(item) == errand.operation + UNDONE:
            return Applied(summary=f"{subject} was put back already.")
        unchanged(subject, {"uid": errand.pre.bound["uid"]}, {"uid": _uid(item)})
        others = self._not_ours(item, errand)
        if others or _mark(item) != errand.operation:
            raise ToolRejected(
                f"{subject} was changed by somebody else since: {others or 'the mark is another'}.",
                "See what they did, and put back by hand what should be.",
            )
        before = _before(errand.pre)
        back = [(field, before.get(text_of(field))) for field in self.fields(errand.action)]
        answer = await guarded_patch(
            tools, subject, _marked(back, errand.operation + UNDONE), version=_version(item), dry_run=False
        )
        return Applied(summary=answer.summary, data={"resource_version": answer.resource_version})

    async def look_undone(self, tools: Tools, errand: Errand[A]) -> Progress:
        item = await read_again(tools, errand)
        if isinstance(item, Progress):
            return item
        if _mark(item) != errand.operation + UNDONE:
            words = f"{errand.action.subject} does not bear the mark of the way back."
            return Progress(state="not_applied", words=words)
        return await self._settled(tools, item, errand)

    async def _settled(self, tools: Tools, item: Object, errand: Errand[A]) -> Progress:
        workload = await self.workload(tools, item, errand.action)
        if workload is None:
            return Progress(state="settled", words=f"{errand.action.subject} has its values.")
        state, _ = workload
        words = f"{state.ready} of {state.replicas} pods of {state.subject} are ready"
        if state.rolling or state.ready < state.replicas:
            return Progress(state="applied", words=f"{words}{', its rollout goes on' if state.rolling else ''}.")
        return Progress(state="settled", words=f"{words}.")

    def _not_ours(self, item: Object, errand: Errand[A]) -> str:
        """Fields that no longer hold what this errand wrote."""
        found = ((field, value_at(item, field), value) for field, value in self.fields(errand.action).items())
        return ", ".join(f"{text_of(one)} is {_said(now)}" for one, now, wanted in found if not self.same(now, wanted))


class TemplateKind(FieldsKind[T]):
    """Fields of one container of a workload's template: its own rollout brings them to the pods, but for those of a
    StatefulSet that it would wait for (`stuck_pods`)."""

    @abstractmethod
    def container_fields(self, action: T) -> Mapping[Field, Json]:
        """By field of the container."""

    def fields(self, action: T) -> Mapping[Field, Json]:
        where = (*CONTAINERS, Named(action.container))
        return {(*where, *field): value for field, value in self.container_fields(action).items()}

    def rests_on(self, item: Object, action: T) -> dict[str, Json]:
        containers: Any = value_at(item, CONTAINERS) or []
        return {
            "template": workload_state(item, action.subject).template,
            "containers": [one.get("name") for one in containers],
        }

    async def saved(self, tools: Tools, item: Object) -> dict[str, Json]:
        return {SAVED: dict(await stuck_pods(tools, item))} if item.get("kind") == "StatefulSet" else {}

    async def dry_run(self, tools: Tools, errand: Errand[T]) -> DryRun:
        tried = await super().dry_run(tools, errand)
        return tried.model_copy(update={"summary": tried.summary + told(errand.pre)})

    async def obstacles(self, tools: Tools, errand: Errand[T], *, undone: bool) -> Mapping[str, str] | None:
        return await in_the_way(tools, errand, undone=undone)

    async def clear(self, tools: Tools, errand: Errand[T], obstacles: Mapping[str, str]) -> str:
        return await replace(tools, errand.action.namespace, obstacles)

    def preconditions(self, action: T, pre: PreState) -> tuple[Refusal, ...]:
        containers = pre.bound["containers"]
        if isinstance(containers, list) and action.container not in containers:
            names = ", ".join(map(str, containers))
            return (refusal(f"{action.subject} has no container {action.container}.", f"Choose one of: {names}."),)
        (state,) = pre.workloads
        paused = (refusal(f"{state.subject} is paused: a change would start no rollout.", "Resume it first."),)
        return (*(paused if state.paused else ()), *super().preconditions(action, pre))

    def blast(self, action: T, pre: PreState) -> BlastRadius:
        return rollout_blast(pre)


def rollout_blast(pre: PreState) -> BlastRadius:
    """Whom a rollout of the one workload touches."""
    (state,) = pre.workloads
    return BlastRadius(
        namespaces=(state.subject.namespace,),
        workloads=(state.subject,),
        pods=state.replicas,
        of_pods=state.replicas,
        away_at_once=state.max_unavailable,
    )


def refusal(words: str, next_step: str) -> Refusal:
    return Refusal(guardrail="precondition", words=words, next_step=next_step)


def _marked(values: Iterable[tuple[Field, Json]], mark: str) -> dict[str, Json]:
    return patch_of([(("metadata", "annotations", MARK), mark), *values])


def _is_mark(edit: FieldEdit) -> bool:
    """The mark says which operation it was, and nothing about what is planned."""
    alone = isinstance(edit.after, Mapping) and set(edit.after) == {MARK} and edit.before is None
    return MARK in edit.path.replace("\\", "") or (edit.path == "metadata.annotations" and alone)


def _mark(item: Object) -> str:
    return str((item["metadata"].get("annotations") or {}).get(MARK, ""))


def _uid(item: Object) -> str:
    return str(item["metadata"].get("uid", ""))


def _version(item: Object) -> str:
    return str(item["metadata"].get("resourceVersion", ""))


def _before(pre: PreState) -> dict[str, Json]:
    found = pre.bound.get("fields")
    return found if isinstance(found, dict) else {}


def _said(value: Json) -> str:
    return "(none)" if value is None else str(value)
