"""`autodevops chat` as people and programs use it: on a pseudo terminal of 40 columns, in a pipe, as JSON lines."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from patience import patient

from autodevops.sandbox import Sandbox

CHAT = ["-m", "autodevops", "chat"]
SECONDS = 120
PROMPT = re.escape("\x1b[?2004h")  # from here on what is typed goes to the line editor


@pytest.fixture
def environment(broken: tuple[Sandbox, Path], tmp_path: Path) -> dict[str, str]:
    sandbox, kubeconfig = broken
    state = {"XDG_STATE_HOME": str(tmp_path / "state"), "HOME": str(tmp_path), "TERM": "xterm"}
    return {**os.environ, **patient(sandbox), "AUTODEVOPS_KUBERNETES__KUBECONFIG": str(kubeconfig), **state}


def piped(lines: str, environment: dict[str, str], folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *CHAT, *options],
        input=lines,
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def in_a_terminal(environment: dict[str, str], folder: Path) -> None:
    chat = pexpect.spawn(
        sys.executable,
        CHAT,
        env={**environment, "NO_COLOR": "1"},
        cwd=str(folder),
        dimensions=(30, 40),
        encoding="utf-8",
        timeout=SECONDS,
    )
    try:
        chat.expect("leaves")
        chat.expect(PROMPT)
        chat.send("restart cart in shop\\\rplease\r")
        chat.expect("kubectl -n shop rollout restart deployment/cart")
        assert "\x1b[3" not in chat.before  # no colour
        chat.expect("1  ")
        chat.expect(PROMPT)
        chat.send("\x1b[A\r")  # the last question again
        chat.expect("kubectl -n shop rollout restart deployment/cart")
        chat.expect("1  ")
        chat.expect(PROMPT)
        chat.send("1\r")
        chat.expect("investigate")
        chat.sendintr()
        chat.expect("Stopped")
        chat.expect(PROMPT)
        chat.send("/copy 99\r")
        chat.expect("number '99'")
        chat.expect(PROMPT)
        chat.send("/copy 1\r")
        chat.expect("]52;c;")
        chat.expect(PROMPT)
        chat.sendintr()
        chat.sendeof()
        chat.expect(pexpect.EOF)
    finally:
        chat.close()
    assert chat.exitstatus == 0


async def test_a_conversation_in_a_narrow_terminal(environment: dict[str, str], tmp_path: Path) -> None:
    await asyncio.to_thread(in_a_terminal, environment, tmp_path)
    history = tmp_path / "state" / "autodevops" / "chat-history"
    assert "+restart cart in shop\n+please\n" in history.read_text()
    assert history.stat().st_mode & 0o077 == 0


LINES = """
/thumbs up
how many nodes are there?

/evidence ev-
/evidence
/thumbs down it was redis
/namespace nowhere
/namespace kube-system
list pods
/frobnicate
/copy
/retry
/save talk.md
/quit
never asked
"""


def test_commands_in_a_pipe(environment: dict[str, str], tmp_path: Path) -> None:
    done = piped(LINES, environment, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "> how many nodes are there?\n\n**" in done.stdout
    assert "`ev-" in done.stdout
    assert "Noted, thank you." in done.stdout
    assert done.stdout.count("> list pods\n") == 2
    assert "kube-system" in done.stdout.partition("> list pods\n")[2]
    assert "3 turns in talk.md." in done.stdout
    assert "never asked" not in done.stdout
    for said in ("There is no answer yet", "namespace nowhere does not exist", "/frobnicate", "no clipboard"):
        assert said in done.stderr, said
    assert (tmp_path / "talk.md").read_text().startswith("**how many nodes are there?**\n\n**")


def test_a_program_gets_every_event_as_a_line(environment: dict[str, str], tmp_path: Path) -> None:
    lines = [
        "how many nodes are there?",
        '{"thumb": 1, "comment": "exactly"}',
        '{"question": "list pods", "namespace": "nowhere"}',
        '{"question": "list pods", "namespace": "kube-system", "about": "x"}',
        '{"qustion": "?"}',
        "{nonsense",
        '{"thumb": "high"}',
    ]
    done = piped("\n".join(lines), environment, tmp_path, "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [event["type"] for event in events]
    assert done.returncode == 1
    assert kinds[0] == "turn_started"
    assert kinds.count("turn_started") == kinds.count("answer_completed") + kinds.count("turn_failed") == 3
    assert kinds.count("refused") == 3
    answer = next(event for event in events if event["type"] == "answer_completed")
    text = "".join(event["text"] for event in events[: events.index(answer)] if event["type"] == "text_delta")
    assert answer["text"] == text
    assert answer["turn_id"] == events[0]["turn_id"]
    assert "feedback_noted" in kinds
    assert kinds[-1] == "refused"
    assert "data" not in answer["evidence"][0]
