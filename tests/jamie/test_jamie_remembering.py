"""What goes on around a turn: notes, past incidents, the handbook, thumbs and forgetting."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from jamie import jamie_samples as samples

from autodevops.domain.investigation import Investigation
from autodevops.domain.stream import AnswerCompleted, ContextRetrieved, TextDelta, TurnEvent, TurnStarted
from autodevops.domain.turn_health import Feedback
from autodevops.jamie.remembering import Remembering
from autodevops.knowledge import handbook
from autodevops.settings import MemorySettings
from autodevops.stores.memory_hashing import HashingEmbedder
from autodevops.stores.memory_keeper import MemoryKeeper, Shipped

START = datetime(2026, 11, 24, 3, 45, tzinfo=UTC)
SHIPPED = Shipped(handbook.SOURCE, handbook.edition, handbook.documents)


def trouble(id: str = "inv-1") -> Investigation:
    found = samples.explained()
    leading = found.hypotheses[0].model_copy(update={"reason": "RegressionByVersion"})
    return found.model_copy(update={"id": id, "hypotheses": (leading,)})


class Session:
    """One conversation over a memory on disk, with a clock to move."""

    def __init__(self, folder: Path, *, remember: bool = True) -> None:
        self.now = START
        self.begun_anew = 0
        self.turns = 0
        self.heard: list[Feedback] = []
        self.keeper = MemoryKeeper(MemorySettings(folder=folder), [HashingEmbedder()], SHIPPED, clock=lambda: self.now)
        self.remembering = Remembering(
            self.keeper, remember=remember, forget=self._forget, judged=self.heard.append, clock=lambda: self.now
        )

    def _forget(self) -> None:
        self.begun_anew += 1

    async def ask(
        self, question: str, text: str = "Fine.", investigation: Investigation | None = None, intent: str = "list"
    ) -> AnswerCompleted:
        async def turn() -> AsyncGenerator[TurnEvent, None]:
            self.turns += 1
            yield TurnStarted(question=question, turn_id=f"turn-{self.turns}")
            yield ContextRetrieved(intent=intent, namespace="shop", subject="Deployment shop/checkout")
            yield TextDelta(text=text)
            yield AnswerCompleted(text=text, narrator="built-in", investigation=investigation)

        self.now += timedelta(seconds=1)
        events = [event async for event in self.remembering.around(question, turn())]
        answer = events[-1]
        assert isinstance(answer, AnswerCompleted)
        assert "".join(event.text for event in events if isinstance(event, TextDelta)) == answer.text
        return answer


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path / "memory")


def again(days: float) -> Investigation:
    """The same trouble seen in another investigation."""
    return trouble(f"inv-{days}")


async def test_a_turn_is_kept_without_evidence_ids_and_secrets(session: Session) -> None:
    await session.ask("is password = hunter2secret99 right?", "It failed [ev-0123abcd] at 03:40.")
    (found,) = session.keeper.search("failed", ["conversation"])
    assert found.text == "It failed at 03:40."
    kept = session.keeper.memory().document(found.id)
    assert kept is not None
    assert (kept.namespace, kept.subject, kept.tags) == ("shop", "Deployment shop/checkout", ("built-in", "list"))
    assert "hunter2secret99" not in kept.model_dump_json()
    session.keeper.close()


async def test_an_investigation_offers_the_article_on_its_reason(session: Session) -> None:
    found = trouble()
    reason = found.hypotheses[0].reason
    answer = await session.ask("why?", "**Because.**", found, "investigate")
    assert f"**Read more**: {handbook.for_reason(reason)[0].title} ({handbook.SOURCE})." in answer.text
    assert f"What does {reason} mean?" in answer.follow_ups
    assert "Seen before" not in answer.text
    once_more = await session.ask("why?", "**Because.**", found, "since_when")
    assert once_more.text == "**Because.**"
    session.keeper.close()


async def test_a_past_incident_is_brought_to_mind_in_a_later_session(tmp_path: Path) -> None:
    first = Session(tmp_path)
    await first.ask("why?", "x", trouble(), "investigate")
    await first.ask("why?", "x", again(0.1), "investigate")  # the same incident, asked about again
    first.keeper.close()
    later = Session(tmp_path)
    later.now = START + timedelta(days=3)
    answer = await later.ask("why?", "x", again(3), "investigate")
    assert "**Seen before**: on 2026-11-24 03:45 UTC, " in answer.text
    later.now = START + timedelta(days=6)
    answer = await later.ask("why?", "x", again(6), "investigate")
    assert "**Seen before** (2 times that I know of): on 2026-11-27" in answer.text
    later.keeper.close()


async def test_another_subject_is_no_past_incident(session: Session) -> None:
    found = trouble()
    leading = found.hypotheses[0]
    other = leading.model_copy(update={"subject": leading.subject.model_copy(update={"name": "elsewhere"})})
    await session.ask("why?", "x", found.model_copy(update={"id": "a", "hypotheses": (other,)}), "investigate")
    session.now += timedelta(days=1)
    answer = await session.ask("why?", "x", found, "investigate")
    assert "Seen before" not in answer.text
    session.keeper.close()


@pytest.mark.parametrize("investigation", [samples.healthy(), samples.undetermined()], ids=["healthy", "undetermined"])
async def test_what_is_not_explained_is_no_incident(session: Session, investigation: Investigation) -> None:
    answer = await session.ask("why?", "x", investigation, "investigate")
    assert answer.text == "x"
    assert session.keeper.memory().sources(["incident"]) == ()
    session.keeper.close()


async def test_forget_this_forgets_the_conversation_alone(session: Session) -> None:
    await session.ask("first secret plan", "x")
    earlier = Session(session.keeper.folder)
    await earlier.ask("other talk", "y")
    answer = await session.ask("Forget this!")
    assert answer.text == "Forgotten: 1 turn of this conversation, on disk as well. We begin anew."
    assert session.begun_anew == 1
    assert [one.title for one in session.keeper.search("plan talk", ["conversation"])] == ["other talk"]
    assert "nothing of this conversation to forget" in (await session.ask("forget it")).text
    session.keeper.close()


async def test_thumbs_judge_the_answer_and_the_article_it_quoted(session: Session) -> None:
    async def howto() -> AsyncGenerator[TurnEvent, None]:
        yield TurnStarted(question="what is an OOM kill?")
        found = session.remembering.search("what is an OOM kill?", ["knowledge"])
        yield AnswerCompleted(text=found[0].text, narrator="built-in")

    _ = [event async for event in session.remembering.around("what is an OOM kill?", howto())]
    answer = await session.ask("👎 ours has swap, password = hunter2secret99")
    assert "Containers killed for exceeding their memory limit" in answer.text
    first = session.keeper.search("what is an OOM kill?", ["knowledge"])[0]
    assert "thumbs 0 up, 1 down (x0.92), 1 correction" in first.why
    (noted, _) = session.keeper.search("swap", ["feedback"])
    assert "hunter2secret99" not in noted.text
    session.keeper.close()


async def test_a_turn_is_judged_by_its_id_and_the_last_word_counts(session: Session) -> None:
    await session.ask("is basket slow?", "Slow since 03:40.")
    await session.ask("list pods", "None.")
    for thumb in (1, -1):
        session.now += timedelta(seconds=1)
        assert session.remembering.judge("turn-1", thumb, "it was redis") == (
            "Noted, thank you. `autodevops kb search` shows what it changes."
        )
    (found, *_) = session.keeper.search("basket slow", ["conversation"])
    assert "thumbs 0 up, 1 down (x0.92), 1 correction" in found.why
    assert session.remembering.judge("turn-of-another-day", 1) == "Noted, thank you."
    assert "Noted" in (await session.ask("thumbs up")).text
    told = [(one.turn_id, one.thumb, one.comment) for one in session.heard]
    assert told == [
        ("turn-1", 1, "it was redis"),
        ("turn-1", -1, "it was redis"),
        ("turn-of-another-day", 1, ""),
        ("turn-2", 1, ""),
    ]
    session.keeper.close()


async def test_a_thumb_without_an_answer_is_said(session: Session) -> None:
    assert "no answer that I could note this for" in (await session.ask("+1")).text
    session.keeper.close()


async def test_nothing_is_kept_where_it_is_not_wanted(tmp_path: Path) -> None:
    session = Session(tmp_path / "memory", remember=False)
    answer = await session.ask("why?", "x", trouble(), "investigate")
    assert "Read more" in answer.text
    assert not (tmp_path / "memory").exists()


async def test_an_unusable_memory_costs_a_turn_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    session = Session(tmp_path / "file" / "memory")
    answer = await session.ask("why?", "**Because.**", trouble(), "investigate")
    assert answer.text.startswith("**Because.**")
    assert session.remembering.search("OOMKilled", ["knowledge"])


async def test_leaving_in_the_middle_ends_the_turn(session: Session) -> None:
    ended: list[bool] = []

    async def turn() -> AsyncGenerator[TurnEvent, None]:
        try:
            yield TurnStarted(question="why?")
            yield TextDelta(text="x")
        finally:
            ended.append(True)

    events = session.remembering.around("why?", turn())
    assert isinstance(await anext(events), TurnStarted)
    await events.aclose()
    assert ended == [True]
