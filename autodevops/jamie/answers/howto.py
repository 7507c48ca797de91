"""What something means and how something is done: from the knowledge base, and from the rules' own pages.

A finding reason is explained by the rule that raises it. For other questions the knowledge base is searched, and past
incidents with it. Nothing here is about your systems, so nothing is cited as evidence: sources are named.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from autodevops.domain.memory import DocumentKind
from autodevops.jamie import names
from autodevops.jamie.answers import Answer, action
from autodevops.jamie.commands import command_for, verb_of
from autodevops.jamie.context import Context
from autodevops.jamie.markdown import block, code, prose, shortened
from autodevops.jamie.recall import Passage, Recall
from autodevops.kernel.errors import AutoDevOpsError
from autodevops.toolbox.protocol import Emit, EvidenceSource

SEARCHED = 4  # passages
PASSAGE_CHARACTERS = 1_800  # an article of the handbook as a whole: what to do stands at its end

_SECTION = re.compile(r"^(What|Why it matters|Example|What to do): ?", re.M)
_ASIDE = re.compile(
    r"\b(what|does|do|is|are|means?|an?|the|explain|please|by|meant|stand|for|meaning|of|this|error)\b", re.I
)
_EXIT_CODES = {
    "0": "the program ended by itself and says that all is well",
    "1": "the program ended by itself with an error of its own; its last log lines say which",
    "2": "the program was called wrongly, or a shell's built-in failed",
    "126": "the command was found and cannot be executed: no execute permission, or another architecture",
    "127": "the command was not found in the image",
    "128": "the program ended with an invalid exit status",
    "130": "the program was interrupted (SIGINT)",
    "134": "the program aborted itself (SIGABRT), as on a failed assertion",
    "137": "the program was killed (SIGKILL): out of memory if the reason is OOMKilled, else it did not stop in time",
    "139": "the program touched memory that is not its own (SIGSEGV)",
    "143": "the program was asked to stop (SIGTERM) and did: a rollout, a scale-down, an eviction or a failed probe",
}


@dataclass(frozen=True)
class Explained:
    reason: str
    rule_id: str
    title: str
    sections: dict[str, str]


async def answer(context: Context, source: EvidenceSource, emit: Emit, recall: Recall | None = None) -> Answer:
    question = context.question
    page = _by_reason(question)
    error = context.selected.error
    exit_code = re.search(r"\bexit(?:ed)?(?: with)?(?: status| code)* (\d{1,3})\b", question.lower())
    about = f"{question} {error}" if error else question
    known = page is not None or bool(exit_code and exit_code[1] in _EXIT_CODES)
    kinds: tuple[DocumentKind, ...] = ("knowledge",) if known else ("knowledge", "incident")
    passages, problem = await _passages(recall, about, kinds)
    if page is None and exit_code and known:
        text = f"**Exit code {exit_code[1]}: {_EXIT_CODES[exit_code[1]]}.**"
        return _told(context, text, passages, problem)
    if page is not None:
        return _told(context, _page(page), passages, problem)
    command = _command(context)
    if command:
        return _told(context, command, passages, problem)
    if passages:
        return _from_passages(context, passages)
    near = names.nearest(_term(question).lower(), _explained())
    offered = tuple(f"What does {_explained()[each].reason} mean?" for each in near)
    why = problem or (
        "There is no knowledge base configured" if recall is None else "My knowledge base has nothing on it"
    )
    if near:
        meant = " or ".join(code(_explained()[each].reason) for each in near)
        return Answer(f"**I know nothing by that name.** Did you mean {meant}?", follow_ups=offered)
    where = context.namespace or "your namespace"
    return Answer(
        f"**I don't know.** {prose(why.rstrip('.'))}, and none of my rules is about it.",
        follow_ups=(f"What is wrong in {where}?", "What is firing?"),
    )


async def _passages(recall: Recall | None, text: str, kinds: tuple[DocumentKind, ...]) -> tuple[Sequence[Passage], str]:
    if recall is None:
        return (), ""
    try:
        return await asyncio.to_thread(recall.search, text, kinds, SEARCHED), ""
    except AutoDevOpsError as error:
        return (), f"The knowledge base cannot be searched: {error.message}"


def _told(context: Context, text: str, passages: Sequence[Passage], problem: str) -> Answer:
    if passages:
        text += "\n\n**More**\n\n" + "\n".join(f"- {prose(each.title)}{_source(each)}" for each in passages)
    elif problem:
        text += f"\n\n{prose(problem)}"
    where = f" in {context.namespace}" if context.namespace else ""
    return Answer(text, follow_ups=(f"What is wrong{where}?", f"Which pods are not ready{where}?"))


def _from_passages(context: Context, passages: Sequence[Passage]) -> Answer:
    first, *others = passages
    lines = [line for line in first.text.splitlines() if line.strip()]
    body = shortened("\n".join(lines), PASSAGE_CHARACTERS)
    text = f"**{prose(first.title)}**{_source(first)}\n\n{_quoted(body)}"
    return _told(context, text, others, "")


def _quoted(body: str) -> str:
    """An article's text, which anybody may have written: as a quotation, code as code, nothing else as markup."""
    out: list[str] = []
    code_lines: list[str] = []
    inside = False
    for line in body.splitlines():
        if line.lstrip().startswith("```"):
            if inside:
                out.append(block(code_lines, language="", width=1000))
                code_lines = []
            inside = not inside
        elif inside:
            code_lines.append(line)
        else:
            out.append("> " + prose(line.lstrip("#> ")))
    if code_lines:
        out.append(block(code_lines, language="", width=1000))
    return "\n".join(out)


def _source(passage: Passage) -> str:
    kind = "past incident, " if passage.kind == "incident" else ""
    return f" ({kind}{code(passage.source)})" if passage.source else ""


def _page(page: Explained) -> str:
    what = page.sections.get("What", "")
    parts = [f"**{page.reason}: {prose(page.title)}**", f"I look for {prose(what)}" if what else ""]
    if page.sections.get("Why it matters"):
        parts.append(f"**Why it matters**\n\n{prose(_capital(page.sections['Why it matters']))}")
    if page.sections.get("Example"):
        parts.append(f"As I say it: {prose(page.sections['Example'])}")
    if page.sections.get("What to do"):
        parts.append(f"**What to do**\n\n{prose(_capital(page.sections['What to do']))}")
    parts.append(f"Source: rule {code(page.rule_id)}.")
    return "\n\n".join(part for part in parts if part)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _command(context: Context) -> str:
    """`How do I drain a node`: the command, with a place for the name."""
    if not verb_of(context.question):
        return ""
    words = set(names.words_of(context.question))
    kind = "Pod" if "pod" in words or "pods" in words else "Deployment"
    command = command_for(context.question, kind=kind, name="NAME", namespace="NAMESPACE")
    if command is None or not command.lines:
        return ""
    return f"**With {code(command.lines[0], 300)}.** It would {prose(command.does)}.\n\n{action.told(command)}"


def _by_reason(question: str) -> Explained | None:
    words = [word.strip("`'\"?.,!:()").lower() for word in question.split()]
    known = _explained()
    for size in (4, 3, 2, 1):
        for start in range(len(words) - size + 1):
            found = known.get("".join(words[start : start + size]).replace("-", ""))
            if found is not None:
                return found
    return None


def _term(question: str) -> str:
    return "".join(_ASIDE.sub(" ", question).strip(" ?!.").split())


@cache
def _explained() -> dict[str, Explained]:
    from autodevops.investigation.rules import RULES

    pages: dict[str, Explained] = {}
    for rule in RULES:
        first, _, rest = rule.documentation.strip().partition("\n")
        title = re.sub(r"^.*?\):\s*", "", first).rstrip(".")
        parts = _SECTION.split(rest)
        sections = {name: " ".join(text.split()) for name, text in zip(parts[1::2], parts[2::2], strict=True)}
        pages.setdefault(rule.reason.lower(), Explained(rule.reason, rule.id, f"{title}.", sections))
    return pages
