"""The manner: a paragraph of its own after the answer, never inside it, and none where it is grave."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jamie import jamie_samples as samples
from jamie.jamie_cluster import answer_of, new_agent

from autodevops.domain.investigation import Investigation
from autodevops.domain.subject import Subject
from autodevops.jamie.persona import Level, Mood, _phrases, mood_of, remark
from autodevops.settings.model import JamieSettings

MOODS: list[Mood] = ["explained", "healthy", "undetermined", "answer", "grave"]
LEVELS: list[Level] = ["off", "light", "full"]


@given(st.sampled_from(MOODS), st.text(max_size=30), st.sampled_from(LEVELS))
def test_a_remark_has_no_number_no_name_and_no_code_and_is_the_turns_own(mood: Mood, turn: str, level: Level) -> None:
    said = remark(mood, turn, level)
    assert said == remark(mood, turn, level)
    assert not re.search(r"[\d`\[\]*#|<>\n]", said)
    if level == "off":
        assert not said
    if level == "full":
        assert said
    if mood == "grave" and level == "light":
        assert not said


@given(st.sampled_from(["explained", "healthy", "undetermined"]))
def test_phrases_vary_from_turn_to_turn(mood: Mood) -> None:
    assert len({remark(mood, str(turn), "light") for turn in range(60)}) == len(_phrases()[mood])


def test_plain_answers_are_left_alone_more_often_than_not_at_level_light() -> None:
    spoken = sum(bool(remark("answer", str(turn), "light")) for turn in range(400))
    assert 60 <= spoken <= 140


def test_every_phrase_is_a_sentence_of_our_own() -> None:
    for phrases in _phrases().values():
        for phrase in phrases:
            assert re.fullmatch(r"[A-Z][A-Za-z ,;'-]+\.( [A-Z][A-Za-z ,;'-]+\.)*", phrase), phrase


def suffering() -> Investigation:
    found = samples.explained()
    first = found.hypotheses[0].model_copy(update={"suffering": (Subject(kind="Deployment", name="web"),)})
    return found.model_copy(update={"hypotheses": (first,)})


MOODS_OF = [
    (samples.explained(), "explained"),
    (samples.explained(severity="critical"), "grave"),
    (suffering(), "grave"),
    (samples.healthy(), "healthy"),
    (samples.undetermined(), "undetermined"),
]


@pytest.mark.parametrize(("investigation", "mood"), MOODS_OF, ids=[row[1] for row in MOODS_OF])
def test_the_mood_suits_what_was_found(investigation: Investigation, mood: Mood) -> None:
    assert mood_of(investigation) == mood


QUESTIONS = ["list pods", "logs of basket", "status?", "what is firing?", "slowest traces", "scale web to 5", "help"]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("level", ["light", "full"])
async def test_the_answer_itself_is_the_same_at_every_level(question: str, level: Level) -> None:
    plain = await answer_of(new_agent(persona="off"), question)
    said = await answer_of(new_agent(persona=level), question)
    rest = said.text.removeprefix(plain.text)
    assert said.text.startswith(plain.text)
    assert rest == "" or re.fullmatch(r"\n\n[A-Z][A-Za-z ,.;'-]+\.", rest)
    assert [item.id for item in said.evidence] == [item.id for item in plain.evidence]
    if level == "full":
        assert rest


async def test_nobody_jokes_while_something_critical_fires() -> None:
    full = await answer_of(new_agent(persona="full"), "what is firing?")
    assert full.text.rsplit("\n\n", 1)[1] in _phrases()["grave"]


def test_the_level_is_a_setting() -> None:
    assert JamieSettings(persona="full").persona == "full"
    assert JamieSettings().persona == "light"
