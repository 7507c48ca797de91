"""The kernel's side of the chat, without a notebook: what is sent to the page, and when."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from executor.lamps import House
from widgets.messages import comm_messages

from autodevops.domain.shown_operation import ShownOperation
from autodevops.domain.stream import AnswerCompleted, TextDelta, TurnEvent, TurnStarted
from autodevops.executor.operations import load
from autodevops.kernel.errors import ToolUnavailable, UsageError
from autodevops.widgets.chat import QUESTION_CHARACTERS, Ask, ChatWidget, Feedback, Selection
from widgets import recorded_turn

WAIT_SECONDS = 10.0


class Page:
    """Stands for the front end: hears messages, and can wait for a turn's end."""

    def __init__(self, ask: Ask, feedback: Feedback | None = None, **more: Any) -> None:
        self.heard: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self.chat = ChatWidget(ask, feedback=feedback, **more)
        self.chat.send = self._hear

    def _hear(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        if buffers:
            content = content | {"events": json.loads(zlib.decompress(buffers[0]))}
        with self._changed:
            self.heard.append(content)
            self._changed.notify_all()

    def tell(self, **message: Any) -> None:
        self.chat._handle_custom_msg(message, [])

    def ask(self, question: str, turn: str = "t1") -> None:
        self.tell(type="ask", id=turn, question=question)

    def wait(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, WAIT_SECONDS), self.heard

    def events(self, turn: str = "t1") -> list[dict[str, Any]]:
        return [event for message in self.heard if message.get("turn") == turn for event in message["events"]]

    def request(self, **message: Any) -> dict[str, Any]:
        """Ask for one thing, and wait for what is said to it."""
        self.tell(id="r", **message)
        self.wait(lambda: self.heard[-1:] != [] and self.heard[-1].get("id") == "r")
        return self.heard.pop()

    def ended(self, turn: str = "t1") -> Callable[[], bool]:
        return lambda: any(event["type"] in {"answer_completed", "turn_failed"} for event in self.events(turn))


@pytest.fixture
def page() -> Iterator[Callable[[Ask], Page]]:
    pages: list[Page] = []

    def make(ask: Ask) -> Page:
        pages.append(Page(ask))
        return pages[-1]

    yield make
    for made in pages:
        made.chat.close()


async def endless(question: str, _selection: object = None) -> AsyncIterator[TurnEvent]:
    yield TurnStarted(question=question)
    yield TextDelta(text="working")
    await asyncio.Event().wait()


def test_a_turn_arrives_in_order_and_is_kept_once_as_a_whole(page: Callable[[Ask], Page]) -> None:
    front = page(recorded_turn.ask)
    front.ask("Why are checkouts failing?")
    front.wait(front.ended())
    assert len(front.events()) == len(recorded_turn.events())
    seen = 0
    for message in front.heard:
        assert message["seq"] == seen
        seen += len(message["events"])
    [turn] = front.chat.turns
    assert (turn["id"], turn["question"]) == ("t1", "Why are checkouts failing?")
    kinds = [event["type"] for event in turn["events"]]
    assert kinds[-1] == "answer_completed"
    assert "text_delta" not in kinds
    assert turn["events"][-1]["text"] == recorded_turn.TEXT


def test_the_page_gets_an_excerpt_of_data_and_never_a_chart_twice(page: Callable[[Ask], Page]) -> None:
    front = page(recorded_turn.ask)
    front.ask("q")
    front.wait(front.ended())
    answer = front.events()[-1]
    assert "data" not in answer["evidence"][0]
    assert '"payment"' in answer["evidence"][0]["excerpt"]
    more = front.request(type="data", turn="t1", evidence=recorded_turn.METRICS)
    assert json.loads(more["text"]) == recorded_turn.EVIDENCE[0].data
    assert more["cut"] is False
    assert front.request(type="data", turn="t1", evidence="ev-nothing")["error"]["next_step"]
    assert answer["investigation"]["verdict"] == "explained"
    assert not {"evidence", "charts"} & answer["investigation"].keys()


def test_stop_ends_the_turn_at_once_and_cancels_what_it_did(page: Callable[[Ask], Page]) -> None:
    unwound = threading.Event()

    async def ask(question: str, _selection: object = None) -> AsyncIterator[TurnEvent]:
        try:
            async for event in endless(question):
                yield event
        finally:
            unwound.set()

    front = page(ask)
    front.ask("q")
    front.wait(lambda: len(front.heard) == 2)
    front.tell(type="stop", id="t1")
    assert front.events()[-1]["cancelled"] is True  # without waiting for the turn to unwind
    assert unwound.wait(WAIT_SECONDS)
    assert [event["type"] for event in front.events()].count("turn_failed") == 1
    assert front.chat.turns[0]["events"][1] == {"type": "text_delta", "text": "working"}


def test_stop_for_another_turn_changes_nothing(page: Callable[[Ask], Page]) -> None:
    front = page(endless)
    front.ask("q")
    front.wait(lambda: len(front.heard) == 2)
    front.tell(type="stop", id="somebody-else")
    assert not front.ended()()


def test_a_second_question_is_refused_while_one_runs(page: Callable[[Ask], Page]) -> None:
    front = page(endless)
    front.ask("first")
    front.wait(lambda: len(front.heard) == 2)
    front.ask("second", turn="t2")
    assert front.events("t2")[-1]["message"] == "Another question is still being answered."
    assert not front.ended("t1")()


def test_a_known_error_becomes_a_failed_turn_with_its_next_step(page: Callable[[Ask], Page]) -> None:
    async def ask(question: str, _selection: object = None) -> AsyncIterator[TurnEvent]:
        yield TurnStarted(question=question)
        raise ToolUnavailable("Prometheus at http://127.0.0.1:1 does not answer.", "Start it.")

    front = page(ask)
    front.ask("q")
    front.wait(front.ended())
    last = front.events()[-1]
    assert (last["message"], last["next_step"]) == ("Prometheus at http://127.0.0.1:1 does not answer.", "Start it.")
    assert last["cancelled"] is False


def test_an_unexpected_error_is_named_and_logged(page: Callable[[Ask], Page], caplog: pytest.LogCaptureFixture) -> None:
    async def ask(question: str, _selection: object = None) -> AsyncIterator[TurnEvent]:
        yield TurnStarted(question=question)
        raise KeyError("boom")

    front = page(ask)
    front.ask("q")
    front.wait(front.ended())
    assert "KeyError: 'boom'" in front.events()[-1]["message"]
    assert "KeyError" in caplog.text


def test_a_stream_without_an_end_gets_one(page: Callable[[Ask], Page]) -> None:
    async def ask(question: str, _selection: object = None) -> AsyncIterator[TurnEvent]:
        yield TurnStarted(question=question)

    front = page(ask)
    front.ask("q")
    front.wait(front.ended())
    assert front.events()[-1]["message"] == "The answer ended early."


def test_an_empty_question_fails_without_asking(page: Callable[[Ask], Page]) -> None:
    front = page(endless)
    front.ask("   ")
    assert front.events()[-1]["message"] == "The question is empty."


@pytest.mark.parametrize(
    "message", [{}, {"type": "ask"}, {"type": 7}, {"type": "stop"}, {"type": "shout", "id": None}], ids=str
)
def test_malformed_messages_do_no_harm(page: Callable[[Ask], Page], message: dict[str, Any]) -> None:
    front = page(recorded_turn.ask)
    front.tell(**message)
    front.ask("q", turn="after")
    front.wait(front.ended("after"))


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ({"label": " cell\n[3] ", "text": "print(1)"}, ("cell [3]", "print(1)")),
        ({"label": "cell", "text": "x" * 60_000}, ("cell", "x" * 50_000)),
        ({"label": "cell", "text": " "}, ("", "")),
        (["cell"], ("", "")),
        (None, ("", "")),
    ],
    ids=["whole", "long", "empty", "a list", "none"],
)
def test_what_goes_along_with_a_question_is_data_of_a_bounded_size(
    page: Callable[[Ask], Page], said: object, taken: tuple[str, str]
) -> None:
    async def ask(question: str, selection: Selection) -> AsyncIterator[TurnEvent]:
        assert selection == taken
        yield AnswerCompleted(text="seen", narrator="built-in")

    front = page(ask)
    front.tell(type="ask", id="t1", question="what is this?", selection=said)
    front.wait(front.ended())
    assert front.events()[-1]["type"] == "answer_completed"


def test_a_pasted_flood_is_cut(page: Callable[[Ask], Page]) -> None:
    front = page(recorded_turn.ask)
    front.ask("x" * 100_000)
    front.wait(front.ended())
    assert len(front.chat.turns[0]["question"]) == QUESTION_CHARACTERS


def test_a_page_that_joins_midway_gets_the_running_turn_again(page: Callable[[Ask], Page]) -> None:
    front = page(endless)
    front.ask("q")
    front.wait(lambda: len(front.heard) == 2)
    events = front.events()
    front.tell(type="sync")
    assert front.heard[2:] == [{"type": "events", "turn": "t1", "seq": 0, "events": events}]


def test_events_reach_a_kernel_loop_on_its_own_thread() -> None:
    """As in ipykernel: the question comes in on a running loop, and answers go out from that loop's thread."""
    threads: set[int] = set()

    async def kernel() -> None:
        done = asyncio.Event()
        chat = ChatWidget(recorded_turn.ask)

        def send(content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
            threads.add(threading.get_ident())
            events = json.loads(zlib.decompress(buffers[0])) if buffers else content["events"]
            if events[-1]["type"] == "answer_completed":
                done.set()

        chat.send = send
        chat._handle_custom_msg({"type": "ask", "id": "t", "question": "q"}, [])
        await asyncio.wait_for(done.wait(), WAIT_SECONDS)
        chat.close()

    asyncio.run(kernel())
    assert threads == {threading.get_ident()}


def test_nothing_is_sent_again_when_a_turn_is_kept(page: Callable[[Ask], Page]) -> None:
    with comm_messages() as messages:
        front = page(recorded_turn.ask)
        for turn in ("t1", "t2", "t3"):
            front.ask("q", turn=turn)
            front.wait(front.ended(turn))
    assert len(front.chat.turns) == 3
    # All else is in `heard`: no trait went beside it. The layout's model is opened first.
    assert [message.kind for message in messages] == ["comm_open", "comm_open"]


def test_a_thumb_is_told_noted_and_stays(page: Callable[[Ask], Page]) -> None:
    told: list[tuple[str, int, str]] = []

    def feedback(turn: str, thumb: int, comment: str) -> None:
        if comment == "full":
            raise ToolUnavailable("The ledger's disk is full.", "Free some space.")
        told.append((turn, thumb, comment))

    front = Page(recorded_turn.ask, feedback=feedback)
    front.ask("q")
    front.wait(front.ended())
    assert front.request(type="feedback", turn="t1", thumb=-1, comment="wrong pod") == {
        "type": "feedback",
        "id": "r",
    }
    assert told == [("t1", -1, "wrong pod")]
    assert front.chat.turns[0]["feedback"] == {"thumb": -1, "comment": "wrong pod"}
    failed = front.request(type="feedback", turn="t1", thumb=1, comment="full")
    assert failed["error"] == {"message": "The ledger's disk is full.", "next_step": "Free some space."}
    for turn, thumb in (("t2", 1), ("t1", 0)):
        assert "error" in front.request(type="feedback", turn=turn, thumb=thumb, comment="")
    assert front.chat.turns[0]["feedback"]["thumb"] == -1
    front.chat.close()


def test_the_postmortem_of_an_incident_that_was_talked_about_is_written_on_request() -> None:
    ids = ["inc-20261128T102944390Z-f10673", "inc-20261128T112944390Z-0a1b2c"]

    async def write(incident: str) -> tuple[str, str]:
        if incident == ids[0]:
            raise UsageError("There is no such incident.", "List them.")
        return "r7", f"artifacts/{incident}"

    front = Page(recorded_turn.ask, write_postmortem=write)
    for number, (question, text) in enumerate(
        [(f"why {ids[0]}?", ids[1]), ("why?", f"Incident {ids[1]} in shop"), ("why?", "")]
    ):
        front.tell(type="ask", id=f"t{number}", question=question, selection={"label": "it", "text": text})
        front.wait(front.ended(f"t{number}"))
    assert [turn["events"][0].get("incident") for turn in front.chat.turns] == [*ids, None]
    assert front.request(type="postmortem", turn="t0")["error"]["message"] == "There is no such incident."
    written = front.request(type="postmortem", turn="t1")
    assert (written["run"], written["where"], written["beside"]) == ("r7", *[f"artifacts/{ids[1]}"] * 2)
    for turn in ("t2", "t9"):
        assert front.request(type="postmortem", turn=turn)["error"]["next_step"]
    front.chat.close()


def test_a_yes_counts_once_for_the_plan_that_was_shown_and_from_whom_the_kernel_knows(tmp_path: Path) -> None:
    house = House(tmp_path)
    waits = asyncio.run(house.executor.propose(house.ask()))

    def state(operation: str) -> ShownOperation:
        return ShownOperation.of(load(house.ledger, operation).operation)

    def answer(operation: str, digest: str, yes: bool, comment: str) -> ShownOperation:
        given = house.executor.answer(operation, granted=yes, digest=digest, by="bob", where="notebook", words=comment)
        return ShownOperation.of(given)

    front = Page(recorded_turn.ask, answer_approval=answer, operation_state=state)
    seen = front.request(type="operation", operation=waits.id)["operation"]
    assert (seen["state"], seen["undo"], seen["answers"]) == ("pending", waits.plan and waits.plan.undo, [])

    def approve(**said: Any) -> dict[str, Any]:
        return front.request(
            **{"type": "approve", "operation": waits.id, "digest": seen["digest"], "yes": True, **said}
        )

    assert "about another plan" in approve(digest="sha256:forged")["error"]["message"]
    assert approve(operation="20261128T000000000Z-abcdef")["error"]["next_step"]
    for unreadable in ({"yes": "true"}, {"digest": None}, {"operation": ["x"]}):
        assert approve(**unreadable)["error"]["message"] == "The answer cannot be read."
    assert state(waits.id).answers == ()
    entered = approve(comment="go", by="mallory", where="elsewhere")["operation"]
    assert (entered["stage"], entered["state"]) == ("cleared", "granted")
    [given] = entered["answers"]
    assert (given["by"], given["where"], given["words"]) == ("bob", "notebook", "go")
    assert "is granted already, by bob" in approve()["error"]["message"]
    assert front.request(type="operation", operation="none")["error"]["next_step"]
    assert house.lamps.sent == []  # an answer does nothing by itself
    front.chat.close()

    closed = Page(recorded_turn.ask, operation_state=state)
    refused = closed.request(type="approve", operation=waits.id, digest=seen["digest"], yes=False)
    assert refused["error"]["message"] == "Nobody can answer here."
    closed.chat.close()


def test_an_answer_and_one_query_become_cells(page: Callable[[Ask], Page]) -> None:
    front = page(recorded_turn.ask)
    front.ask("Why are checkouts failing?")
    front.wait(front.ended())
    whole = front.request(type="cells", turn="t1")["cells"]
    assert {cell["cell_type"] for cell in whole} == {"markdown", "code"}
    one = front.request(type="cells", turn="t1", evidence=recorded_turn.METRICS)["cells"]
    assert any("http_server_request_duration_seconds_count" in cell["source"] for cell in one)
    assert len(one) < len(whole)
    for wrong in ({"turn": "t9"}, {"turn": "t1", "evidence": "ev-nothing"}, {"turn": "t1", "evidence": 7}):
        assert front.request(type="cells", **wrong)["error"]["next_step"]


def test_the_conversation_leaves_as_notebook_markdown_and_a_page_without_script(page: Callable[[Ask], Page]) -> None:
    front = page(recorded_turn.ask)
    front.ask("Why <b>are</b> checkouts failing?")
    front.wait(front.ended())
    files = {kind: front.request(type="export", format=kind) for kind in ("ipynb", "md", "html")}
    assert [file["name"] for file in files.values()] == ["jamie.ipynb", "jamie.md", "jamie.html"]
    assert json.loads(files["ipynb"]["text"])["nbformat"] == 4
    assert files["md"]["text"].startswith("**Why <b>are</b>")
    html = files["html"]["text"]
    assert "Why &lt;b&gt;are&lt;/b&gt; checkouts failing?" in html
    assert f'<a href="#t1-{recorded_turn.METRICS}">[1]</a>' in html
    assert f'id="t1-{recorded_turn.METRICS}"' in html
    assert html.count("<figure>") == 4
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|\ssrc=|\son\w+=", html)
    assert "error" in front.request(type="export", format="pdf")


def test_a_saved_notebook_can_read_the_conversation(page: Callable[[Ask], Page]) -> None:
    async def ask(question: str, _selection: object = None) -> AsyncIterator[TurnEvent]:
        yield AnswerCompleted(text="It is | fine.", narrator="built-in", evidence=recorded_turn.EVIDENCE[:1])

    front = page(ask)
    data, _ = front.chat._repr_mimebundle_()
    assert "text/markdown" not in data
    front.ask("How is it?")
    front.wait(front.ended())
    data, _ = front.chat._repr_mimebundle_()
    assert data["text/markdown"].startswith("**How is it?**\n\nIt is | fine.")
    assert f"| `{recorded_turn.METRICS}` | prometheus.query_range |" in data["text/markdown"]
    assert "application/vnd.jupyter.widget-view+json" in data
