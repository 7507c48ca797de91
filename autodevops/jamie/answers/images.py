"""Which images run, and in what: from the workloads' templates, with what their pods really run beside them."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import ResourceList
from autodevops.jamie import names
from autodevops.jamie.answers import Answer, more, understood, whose
from autodevops.jamie.catalogue import WORKLOAD_KINDS
from autodevops.jamie.context import Context
from autodevops.jamie.markdown import cites, code, table
from autodevops.toolbox.protocol import EvidenceSource

READ = 2000  # objects of a kind
SHOWN = 50  # rows


async def answer(context: Context, source: EvidenceSource) -> Answer:
    in_template = ["metadata.name", "spec.template.spec.containers.image"]
    in_cron = ["metadata.name", "spec.jobTemplate.spec.template.spec.containers.image"]
    found = await asyncio.gather(
        *(
            source.collect(
                "kubernetes.list_resources",
                {
                    "kind": kind,
                    "namespace": context.namespace,
                    "fields": list(in_cron if kind == "CronJob" else in_template),
                    "limit": READ,
                },
            )
            for kind in WORKLOAD_KINDS
        )
    )
    asked = tuple(found)
    used: dict[str, list[Subject]] = defaultdict(list)
    cut: list[str] = []
    for kind, evidence in zip(WORKLOAD_KINDS, found, strict=True):
        if not evidence.ok and any(item.ok for item in found):
            continue
        listed = understood(evidence, ResourceList)
        cut += [listed.note] if listed.truncated else []
        for name, images in listed.rows:
            if context.subject is not None and name != context.subject.name:
                continue
            for image in images or () if isinstance(images, list) else ():
                subject = Subject(
                    kind=kind, name=str(name), namespace=context.namespace, api_version=WORKLOAD_KINDS[kind]
                )
                used[str(image)].append(subject)
    cited = cites((item.id for item in found if item.ok), 4)
    chosen = {image: owners for image, owners in used.items() if not context.image or context.image in image.lower()}
    if context.image and not chosen:
        parts = {image.rpartition("/")[2].partition(":")[0].lower() for image in used}
        near = names.nearest(context.image.rpartition("/")[2].partition(":")[0], parts)
        hint = f" Did you mean {' or '.join(code(each) for each in near)}?" if near else ""
        again = tuple(f"Which deployments use image {each}?" for each in near)
        return Answer(
            f"**No image {code(context.image)} is used in {code(context.namespace)}.**{hint}{cited}", asked, again
        )
    if not chosen:
        return Answer(f"**No workload of {whose(context)} has an image.**{cited}", asked)
    ordered = sorted(chosen.items(), key=lambda pair: (str(pair[1][0].name), pair[0]))
    if context.subject is not None:
        said = ", ".join(code(image) for image, _ in ordered)
        head = f"**{whose(context)} runs {said}.**{cited}"
    else:
        about = f" matching {code(context.image)}" if context.image else ""
        noun = "image" if len(chosen) == 1 else "images"
        head = f"**{len(chosen)} {noun}{about} in {code(context.namespace)}.**{cited}"
    rows = [[code(image), ", ".join(code(owner.name) for owner in owners[:5])] for image, owners in ordered[:SHOWN]]
    text = head if context.subject is not None and len(rows) == 1 else f"{head}\n\n{table(('Image', 'Used by'), rows)}"
    text += more(len(ordered), SHOWN)
    text += "".join(f"\n\nA list was cut: {code(note, 200)}" for note in cut)
    owners = tuple(dict.fromkeys(owner for _, each in ordered[:SHOWN] for owner in each))
    name = context.subject.name if context.subject else ""
    following = (
        (f"What changed in {name} today?", f"Is {name} ok?")
        if name
        else (f"What changed today in {context.namespace}?",)
    )
    return Answer(text, asked, following, owners)
