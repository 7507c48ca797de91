"""A conversation at the command line: its turns, and the slash commands about them. It reads and draws nothing.

A command gives back what is to be done about it; a wrong one raises UsageError and leaves the conversation as it was.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from autodevops.cli.output import answer_json
from autodevops.domain.evidence import Evidence
from autodevops.domain.stream import AnswerCompleted, ContextRetrieved, TurnEvent, TurnFailed, TurnStarted
from autodevops.domain.turn_health import Thumb
from autodevops.kernel.errors import UsageError
from autodevops.workbench import Workbench

if TYPE_CHECKING:
    from autodevops.jamie.persona import Level

SHOWN_LINES = 40  # of what a call answered
HELP = """\
Ask anything; a number picks a suggestion, `help` says what I can do.

| command | does |
|---|---|
| `/evidence [ID]` | what the answer rests on; with an id the exact query and what it gave |
| `/copy [N]` | the answer, or its Nth command, to the clipboard |
| `/save FILE` | the conversation as Markdown |
| `/thumbs up [comment]` | it helped; `down`: it did not. Later answers heed it |
| `/namespace NAME` | talk about another namespace |
| `/retry` | ask the last question again |
| `/quit` | leave, as Ctrl-D does |

Enter sends. Alt-Enter, or a backslash at the end, begins another line. Ctrl-C stops an answer."""


@dataclass(frozen=True)
class Say:
    text: str  # Markdown


@dataclass(frozen=True)
class Copy:
    """To the clipboard."""

    text: str
    what: str


@dataclass(frozen=True)
class AskAgain:
    question: str


@dataclass(frozen=True)
class Leave:
    """The person wants to go."""


Effect: TypeAlias = Say | Copy | AskAgain | Leave
Command: TypeAlias = Callable[["ChatSession", str], Awaitable[Effect]]


class ChatSession:
    """`namespace` is what is talked about until a question has settled it."""

    def __init__(self, bench: Workbench, namespace: str = "", *, persona: Level | None = None) -> None:
        self.bench = bench
        self.namespace = namespace
        self.turns: list[dict[str, Any]] = []  # as the chat widget keeps them
        self.answer: AnswerCompleted | None = None
        self.question = ""
        self.turn_id = ""
        self.failed = 0  # turns without an answer
        self.saved: set[Path] = set()
        self._persona = persona

    def meant(self, line: str) -> str:
        """The suggestion that a bare number picks, else the line."""
        if self.answer is None or not line.isdecimal():
            return line
        position, offered = int(line), self.answer.follow_ups
        return offered[position - 1] if 0 < position <= len(offered) else line

    async def ask(self, question: str, *, about: str = "") -> AsyncGenerator[TurnEvent, None]:
        """The turn's events. One that is not listened to until its end is kept as stopped."""
        self.question, self.turn_id = question, ""
        last: TurnEvent = TurnFailed(message="Stopped.", next_step="Ask again when you are ready.", cancelled=True)
        turn = self.bench.ask(question, namespace=self.namespace, selection=about, persona=self._persona)
        try:
            async with aclosing(turn) as events:
                async for event in events:
                    if isinstance(event, TurnStarted):
                        self.turn_id = event.turn_id
                    elif isinstance(event, ContextRetrieved) and event.namespace == self.namespace:
                        self.namespace = ""  # the conversation carries it from here on
                    elif isinstance(event, AnswerCompleted | TurnFailed):
                        last = event
                    yield event
        finally:
            self.turns.append({"id": self.turn_id, "question": question, "events": [event_json(last)]})
            self.failed += isinstance(last, TurnFailed)
            self.answer = last if isinstance(last, AnswerCompleted) else self.answer

    async def command(self, line: str) -> Effect:
        """Do what a line that begins with a slash says. Raises UsageError."""
        name, _, rest = line[1:].partition(" ")
        found = [each for each in COMMANDS if each.startswith(name.lower())] if name else []
        if name.lower() in COMMANDS:
            found = [name.lower()]
        if len(found) != 1:
            raise UsageError(f"There is no command /{name}.", f"There are: /{', /'.join(COMMANDS)}.")
        return await COMMANDS[found[0]](self, rest.strip())

    def answered(self) -> AnswerCompleted:
        if self.answer is None:
            raise UsageError("There is no answer yet.", "Ask something first.")
        return self.answer


def event_json(event: TurnEvent) -> dict[str, Any]:
    """An event as a script reads it: all of it, but evidence without raw data."""
    if isinstance(event, AnswerCompleted):
        document = answer_json(event)
        return {"type": event.type, "text": document.pop("answer"), **document}
    return event.model_dump(mode="json")


async def _help(_session: ChatSession, _rest: str) -> Effect:
    return Say(HELP)


async def _quit(_session: ChatSession, _rest: str) -> Effect:
    return Leave()


async def _retry(session: ChatSession, _rest: str) -> Effect:
    if not session.question:
        raise UsageError("Nothing was asked yet.", "Ask something first.")
    return AskAgain(session.question)


async def _evidence(session: ChatSession, wanted: str) -> Effect:
    evidence = session.answered().evidence
    if not evidence:
        return Say("The last answer rests on no calls.")
    if not wanted:
        return Say("\n".join(f"- `{item.id}` {item.tool}, {item.duration_ms:.0f} ms" for item in evidence))
    beginning = "ev-" + wanted.strip("[]").removeprefix("ev-")
    found = [item for item in evidence if item.id.startswith(beginning)]
    if len(found) != 1:
        what = "Several ids begin" if found else "No evidence of the last answer has an id that begins"
        raise UsageError(f"{what} with {wanted!r}.", "`/evidence` lists them.")
    return Say(evidence_text(found[0]))


def evidence_text(item: Evidence) -> str:
    """One call for a person: what was asked, exactly, and the beginning of what came back."""
    window = f"\n{item.window.start:%Y-%m-%d %H:%M} to {item.window.end:%H:%M} UTC" if item.window else ""
    came = f"{item.collected_at:%H:%M:%S} UTC, {item.duration_ms:.0f} ms{', from memory' if item.cached else ''}"
    head = f"**{item.id}** {item.tool}, {came}{window}\n\n{_fenced(item.query)}"
    if item.error is not None:
        return f"{head}\n\nIt failed: {_fenced(item.error)}"
    lines = json.dumps(item.data, indent=1, ensure_ascii=False).splitlines()
    more = f"\n\n{len(lines) - SHOWN_LINES} more lines." if len(lines) > SHOWN_LINES else ""
    cut = " The system had more." if item.truncated else ""
    return f"{head}\n\n{_fenced(chr(10).join(lines[:SHOWN_LINES]))}{more}{cut}\n\nDigest `{item.digest}`"


def _fenced(text: str) -> str:
    """As code, whatever backticks are in it."""
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


async def _copy(session: ChatSession, rest: str) -> Effect:
    answer = session.answered()
    if not rest:
        return Copy(answer.text, "The answer")
    commands = commands_in(answer.text)
    if not rest.isdecimal() or not 0 < int(rest) <= len(commands):
        raise UsageError(f"The last answer has {len(commands)} commands, none is number {rest!r}.", "`/copy 1`, say.")
    return Copy(commands[int(rest) - 1], "The command")


def commands_in(text: str) -> list[str]:
    """Lines of its shell blocks that do something, in order."""
    blocks = re.findall(r"^```(?:sh|bash|shell|console)\n(.*?)^```", text, re.M | re.S)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


async def _save(session: ChatSession, rest: str) -> Effect:
    return Say(saved(session, rest))


def saved(session: ChatSession, rest: str) -> str:
    from autodevops.widgets.transcript import conversation_markdown

    if not rest:
        raise UsageError("It is not said where.", "`/save incident.md`, say.")
    if not session.turns:
        raise UsageError("There is nothing to save yet.", "Ask something first.")
    path = Path(rest).expanduser()
    text = conversation_markdown(session.turns) + "\n"
    try:
        with path.open("w" if path in session.saved else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(f"{path} is there already.", "Name another file.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Name another file.") from error
    session.saved.add(path)
    turns = "turn" if len(session.turns) == 1 else "turns"
    return f"{len(session.turns)} {turns} in {path}."


async def _thumbs(session: ChatSession, rest: str) -> Effect:
    import asyncio

    which, _, comment = rest.partition(" ")
    if which not in {"up", "down"}:
        raise UsageError(f"{which!r} is no thumb.", "`/thumbs up`, or `/thumbs down it was redis`.")
    if not session.turn_id:
        raise UsageError("There is no answer yet.", "Ask something first.")
    thumb: Thumb = 1 if which == "up" else -1
    return Say(await asyncio.to_thread(session.bench.feedback, session.turn_id, thumb, comment.strip()))


async def _namespace(session: ChatSession, rest: str) -> Effect:
    from autodevops.jamie.catalogue import namespaces
    from autodevops.jamie.naming import namespace_of

    if not rest:
        place = session.namespace or session.bench.jamie.conversation.namespace
        return Say(f"We talk about {place}." if place else "No namespace yet; `/namespace NAME` names one.")
    listed = await namespaces(session.bench.tools)
    session.namespace = str(namespace_of(rest, "", "", listed.names))  # one that is not there raises
    return Say(f"We talk about {rest} now.")


COMMANDS: dict[str, Command] = {
    "help": _help,
    "evidence": _evidence,
    "copy": _copy,
    "save": _save,
    "thumbs": _thumbs,
    "namespace": _namespace,
    "retry": _retry,
    "quit": _quit,
}
