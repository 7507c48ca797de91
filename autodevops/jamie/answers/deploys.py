"""What changed: rollouts of the namespace's Deployments, and pull requests that were merged."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from autodevops.domain.evidence import Evidence, EvidenceId
from autodevops.domain.tool_results import NameList, PullRequestList
from autodevops.jamie.answers import Answer, Object, gaps, items_of, metadata, require_any, understood
from autodevops.jamie.context import Context
from autodevops.jamie.markdown import cites, code
from autodevops.toolbox.protocol import Emit, EvidenceSource

SHOWN = 20
REPOSITORIES_READ = 5
REVISION = "deployment.kubernetes.io/revision"
CHANGE_CAUSE = "kubernetes.io/change-cause"


@dataclass(frozen=True)
class Moment:
    at: datetime
    what: str  # Markdown
    evidence: EvidenceId
    owner: str = ""


async def answer(context: Context, source: EvidenceSource, emit: Emit) -> Answer:
    sets, repositories = await asyncio.gather(
        source.collect(
            "kubernetes.list_resources", {"kind": "ReplicaSet", "namespace": context.namespace, "output": "full"}
        ),
        source.collect("github.list_repositories", {}),
    )
    names = understood(repositories, NameList).names[:REPOSITORIES_READ] if repositories.ok else ()
    pulls = await asyncio.gather(*(source.collect("github.list_pulls", {"repository": name}) for name in names))
    require_any((sets, *pulls))
    subject = context.subject
    rollouts = [each for each in _rollouts(sets) if subject is None or each.owner == subject.name]
    merges = [each for item in pulls if item.ok for each in _merges(item, subject.name if subject else "")]
    moments = sorted(
        (each for each in (*rollouts, *merges) if context.window.contains(each.at)),
        key=lambda each: each.at,
        reverse=True,
    )
    used = (sets, repositories, *pulls)
    return Answer(_text(context, moments, used), used, _follow_ups(context, moments))


def _text(context: Context, moments: list[Moment], used: tuple[Evidence, ...]) -> str:
    about = f" to {code(context.subject.name)}" if context.subject else f" in {code(context.namespace)}"
    looked = cites(item.id for item in used if item.ok)
    window = context.told
    if not moments:
        text = f"**I see no rollout or merge{about}** ({window}).{looked}"
    else:
        noun = "change" if len(moments) == 1 else "changes"
        newest = moments[0]
        lines = [f"- {each.at:%Y-%m-%d %H:%M} {each.what}{cites([each.evidence])}" for each in moments[:SHOWN]]
        more = [f"- and {len(moments) - SHOWN} earlier ones."] if len(moments) > SHOWN else []
        text = f"**{len(moments)} {noun}{about}, the latest at {newest.at:%Y-%m-%d %H:%M} UTC** ({window})." + "\n\n"
        text += "\n".join([*lines, *more])
    return text + gaps(used)


def _rollouts(evidence: Evidence) -> list[Moment]:
    """One for each ReplicaSet of a Deployment but its first: when it was made, and what it replaced."""
    if not evidence.ok:
        return []
    owned: dict[str, list[Object]] = {}
    for item in items_of(evidence):
        owners = metadata(item).get("ownerReferences") or ()
        owner = next((str(each["name"]) for each in owners if each.get("kind") == "Deployment"), "")
        if owner and metadata(item).get("creationTimestamp"):
            owned.setdefault(owner, []).append(item)
    moments = []
    for owner, items in owned.items():
        ordered = sorted(items, key=lambda item: _created(item))
        for before, item in zip([None, *ordered], ordered, strict=False):
            annotations = metadata(item).get("annotations") or {}
            revision, cause = annotations.get(REVISION, ""), annotations.get(CHANGE_CAUSE, "")
            new, old = _images(item), _images(before) if before else ""
            moved = f" from {code(old)} to {code(new)}" if old and old != new else f" with {code(new)}"
            number = f", revision {code(revision)}" if revision else ""
            said = f": {code(cause)}" if cause else ""
            moments.append(Moment(_created(item), f"rollout of {code(owner)}{moved}{number}{said}", evidence.id, owner))
    return moments


def images_at(evidence: Evidence, moment: datetime) -> dict[str, str]:
    """By Deployment: the images of the newest ReplicaSet that was there then."""
    newest: dict[str, tuple[datetime, str]] = {}
    for item in items_of(evidence):
        for owner in metadata(item).get("ownerReferences") or ():
            if owner.get("kind") != "Deployment" or not metadata(item).get("creationTimestamp"):
                continue
            created = _created(item)
            name = str(owner.get("name", ""))
            if created < moment and (name not in newest or created > newest[name][0]):
                newest[name] = (created, _images(item))
    return {name: images for name, (_, images) in newest.items()}


def _created(item: Object) -> datetime:
    return datetime.fromisoformat(str(metadata(item)["creationTimestamp"]))


def _images(item: Object) -> str:
    containers = ((item.get("spec") or {}).get("template") or {}).get("spec", {}).get("containers") or ()
    return ", ".join(str(each.get("image", "")) for each in containers)


def _merges(evidence: Evidence, about: str) -> list[Moment]:
    return [
        Moment(
            pull.merged_at,
            f"merge of {pull.repository}#{pull.number} by {code(pull.author)}: {code(pull.title)}",
            evidence.id,
        )
        for pull in understood(evidence, PullRequestList).pulls
        if pull.merged_at is not None and (not about or about in pull.title.lower() or about in pull.body.lower())
    ]


def _follow_ups(context: Context, moments: list[Moment]) -> tuple[str, ...]:
    owner = next((each.owner for each in moments if each.owner), "")
    if owner:
        return (f"Is {owner} healthy?", f"Show me the metrics of {owner}", f"Show me the logs of {owner}")
    return (f"What is wrong in {context.namespace}?", "What changed in the last 7 days?")
