"""`autodevops chat`: a conversation with Jamie in a terminal, in a pipe, or for a program as JSON lines."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import aclosing, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from autodevops.cli.chat_session import COMMANDS, AskAgain, ChatSession, Copy, Leave, Say, event_json
from autodevops.cli.options import Namespace
from autodevops.cli.output import Told
from autodevops.kernel.errors import AutoDevOpsError, UsageError
from autodevops.settings import Settings, load_settings
from autodevops.workbench import Workbench

if TYPE_CHECKING:
    from autodevops.cli.chat_screen import Screen

Starting: TypeAlias = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class SomeUnanswered(Told):
    """Not every question got an answer; the output said why for each."""


def chat(
    namespace: Namespace = "",
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Questions as lines on stdin, events as JSON lines on stdout, for a program."),
    ] = False,
) -> None:
    """Talk with Jamie. `/help` says what can be typed besides questions.

    With --json a line is a question, or an object {"question", "namespace", "about"}, or {"thumb": 1 or -1,
    "turn_id", "comment"}; what comes is the stream of events of each turn, one a line.
    """
    settings = load_settings()
    asyncio.run(_as_json(settings, namespace) if as_json else _talk(settings, namespace))


async def _talk(settings: Settings, namespace: str) -> None:
    from autodevops.cli.chat_screen import Pipe, Terminal

    typed = sys.stdin.isatty() and sys.stdout.isatty()
    screen: Screen = Terminal() if sys.stdout.isatty() else Pipe()
    async with Workbench.from_settings(settings) as bench:
        session = ChatSession(bench, namespace)
        with _stopping() if typed else nullcontext(asyncio.create_task) as starting:
            async for line in _typed(settings, screen) if typed else lines():
                if not await _one(session, screen, line, starting):
                    break
    if session.failed and not typed:
        raise SomeUnanswered(f"{session.failed} of {len(session.turns)} questions got no answer.", "See above.")


async def _one(session: ChatSession, screen: Screen, line: str, starting: Starting) -> bool:
    """Heed one line, be it a question or a command. False when it is a wish to leave."""
    question = session.meant(line)
    try:
        if question.startswith("/"):
            match await session.command(question):
                case Leave():
                    return False
                case Say(text):
                    screen.say(text)
                case Copy(text, what):
                    screen.to_clipboard(text, what)
                case AskAgain(again):
                    await _turn(session, screen, again, starting)
        else:
            await _turn(session, screen, question, starting)
    except AutoDevOpsError as error:
        screen.refuse(f"{error.message} {error.next_step}".rstrip())
    return True


async def _turn(session: ChatSession, screen: Screen, question: str, starting: Starting) -> None:
    async def drawn() -> None:
        async with aclosing(session.ask(question)) as events:
            await screen.turn(question, events)

    task = starting(drawn())
    await asyncio.wait([task])
    if task.cancelled():
        screen.refuse("Stopped.")
    else:
        task.result()


@contextmanager
def _stopping() -> Iterator[Starting]:
    """While it lasts Ctrl-C ends the task that was started last, and nothing else."""
    running: list[asyncio.Task[None]] = []

    def start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        running[:] = [asyncio.create_task(work)]
        return running[0]

    def stop() -> None:
        for task in running:
            task.cancel()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stop)
    try:
        yield start
    finally:
        loop.remove_signal_handler(signal.SIGINT)


async def _typed(settings: Settings, screen: Screen) -> AsyncIterator[str]:
    """What a person types, until Ctrl-D."""
    import platformdirs

    from autodevops.analysis.redaction import redact_text
    from autodevops.cli.line_editor import editor

    salt = settings.toolbox.redaction_salt.get_secret_value()
    history = platformdirs.user_state_path("autodevops") / "chat-history" if settings.memory.remember else None
    session = editor(COMMANDS, history, lambda text: redact_text(text, salt))
    screen.say("Ask Jamie about your systems. `/help` shows what else can be typed, Ctrl-D leaves.")
    while True:
        print()
        try:
            line = (await session.prompt_async(handle_sigint=False)).strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        if line:
            yield line


async def lines() -> AsyncIterator[str]:
    """Those of stdin that are not empty. A thread of its own reads them, so that waiting for one holds up no exit."""
    loop = asyncio.get_running_loop()
    read: asyncio.Queue[str | None] = asyncio.Queue()

    def reading() -> None:
        with suppress(RuntimeError):  # the loop has closed: nobody waits any more
            for line in iter(sys.stdin.readline, ""):
                loop.call_soon_threadsafe(read.put_nowait, line.strip())
            loop.call_soon_threadsafe(read.put_nowait, None)

    threading.Thread(target=reading, name="autodevops-stdin", daemon=True).start()
    while (line := await read.get()) is not None:
        if line:
            yield line


async def _as_json(settings: Settings, namespace: str) -> None:
    async with Workbench.from_settings(settings) as bench:
        session = ChatSession(bench, namespace, persona="off")
        refused = 0
        async for line in lines():
            try:
                await _answered(session, line)
            except UsageError as error:
                refused += 1
                _print({"type": "refused", "line": line, "message": error.message, "next_step": error.next_step})
    if unanswered := session.failed + refused:
        raise SomeUnanswered(f"{unanswered} lines got no answer.", "Their events say why.")


async def _answered(session: ChatSession, line: str) -> None:
    """One line of a program. Raises UsageError for one that is neither a question nor a wish."""
    wish = _wish(line)
    if "thumb" in wish:
        thumb = wish["thumb"]
        said = await asyncio.to_thread(
            session.bench.feedback, str(wish.get("turn_id", session.turn_id)), thumb, str(wish.get("comment", ""))
        )
        _print({"type": "feedback_noted", "text": said})
        return
    session.namespace = str(wish.get("namespace", session.namespace))
    async with aclosing(session.ask(str(wish["question"]), about=str(wish.get("about", "")))) as events:
        async for event in events:
            _print(event_json(event))


def _wish(line: str) -> dict[str, Any]:
    if not line.startswith("{"):
        return {"question": line}
    try:
        wish = json.loads(line)
    except ValueError as error:
        raise UsageError(f"The line is no JSON: {error}.", "Write a question, or one object on a line.") from error
    known = {"question", "namespace", "about"} if "question" in wish else {"thumb", "turn_id", "comment"}
    if unknown := sorted(set(wish) - known):
        raise UsageError(
            f"It says {', '.join(unknown)}, which means nothing here.", f"Known: {', '.join(sorted(known))}."
        )
    if "question" not in wish and "thumb" not in wish:
        raise UsageError("It has neither question nor thumb.", 'Write {"question": "..."}.')
    return dict(wish)


def _print(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")
    sys.stdout.flush()
