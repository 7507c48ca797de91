"""No planted secret survives, wherever it is put; nothing that is no secret is touched."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from autodevops.analysis.redaction import mark, redact, redact_text
from autodevops.domain.base import Json
from autodevops.kernel.errors import ToolDenied
from autodevops.toolbox import Recorder, Redacted
from autodevops.toolbox.testing import ScriptedTools

CASES: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("redaction.yaml").read_text())

ALNUM = st.characters(codec="ascii", categories=("Lu", "Ll", "Nd"))
HEX = st.characters(codec="ascii", include_characters="0123456789abcdef", categories=())


def made(alphabet: Any, length: int) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=length, max_size=length)


TOKENS = st.one_of(
    made(ALNUM, 36).map("ghp_{}".format),
    made(ALNUM, 40).map("github_pat_{}".format),
    made(ALNUM, 24).map("xoxb-123456789012-{}".format),
    made(ALNUM, 16).map(lambda text: "AKIA" + text.upper()),
    made(ALNUM, 35).map("AIza{}".format),
    made(ALNUM, 32).map("ya29.{}".format),
    made(ALNUM, 20).map("glpat-{}".format),
    made(ALNUM, 24).map("sk_live_{}".format),
    made(ALNUM, 34).map("abc8Q~{}".format),
    st.tuples(made(ALNUM, 20), made(ALNUM, 40), made(ALNUM, 43)).map(lambda part: "eyJ{}.{}.{}".format(*part)),
)
WORDS = st.text(ALNUM, min_size=9, max_size=24).filter(
    lambda text: not text.isdigit() and text.lower() not in CASES["words"]
)
# How a secret stands in a text: `{}` is where. A name gives away what has no shape of its own.
SENTENCES = st.sampled_from(CASES["sentences"])
PLACES: list[Callable[[Any], Any]] = [
    lambda value: value,
    lambda value: [1, None, value],
    lambda value: {"items": [{"metadata": {"annotations": {"note": value}}}], "n": 1.5},
    lambda value: {"records": [{"body": value, "attributes": {"a": True}}]},
    lambda value: json.dumps({"said": value}),
    lambda value: {value if isinstance(value, str) else "x": 1},
]
NESTINGS = st.lists(st.sampled_from(PLACES), max_size=4)


def nested(value: Any, places: list[Callable[[Any], Any]]) -> Any:
    for place in places:
        value = place(value)
    return value


@given(TOKENS, NESTINGS, st.sampled_from(["{}", "got {}.", "x={}", "a\n{}\nb", "see https://h/{}/x"]))
def test_token_with_a_shape_never_survives(secret: str, places: list[Any], around: str) -> None:
    assert secret not in json.dumps(redact(nested(around.format(secret), places)))


@given(WORDS, NESTINGS, SENTENCES)
def test_value_after_a_telling_name_never_survives(secret: str, places: list[Any], sentence: str) -> None:
    assert secret not in json.dumps(redact(nested(sentence.format(secret), [p for p in places if p is not PLACES[4]])))


@given(WORDS, NESTINGS, st.sampled_from(["password", "db_password", "apiKey", "X-Api-Key", "clientSecret", "GH_TOKEN"]))
def test_field_with_a_telling_name_never_survives(secret: str, places: list[Any], name: str) -> None:
    for value in ({name: secret}, {name: [secret]}, {"name": name, "value": secret}, {"key": name, "value": [secret]},
                  {"key": name, "value": {"stringValue": secret}}, ["run", f"--{name}", secret]):  # fmt: skip
        assert secret not in json.dumps(redact(nested(value, places)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | SENTENCES | TOKENS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.just("password"), inner, max_size=4),
    max_leaves=20,
)


def shape(value: Any) -> Any:
    if isinstance(value, list):
        return [shape(item) for item in value]
    if isinstance(value, dict):
        return [shape(item) for item in value.values()]
    return "text" if isinstance(value, str) else value


@given(JSON)
def test_shape_and_numbers_stay_and_twice_is_once(value: Any) -> None:
    once = redact(value)
    assert shape(once) == shape(value)
    assert redact(once) == once


IDS = st.one_of(
    made(HEX, 32), made(HEX, 40), made(HEX, 16), made(HEX, 64).map("sha256:{}".format), st.uuids().map(str),
    st.tuples(WORDS.map(str.lower), made(HEX, 10), made(ALNUM, 5)).map("-".join),
    made(HEX, 64).map("ghcr.io/acme/shop/cart@sha256:{}".format),
)  # fmt: skip


@given(
    IDS, NESTINGS, st.sampled_from(["{}", "pod {} restarted", "trace_id={}", "image: {}", "commit {} by bob", "uid={}"])
)
def test_ids_digests_and_names_survive(name: str, places: list[Any], around: str) -> None:
    value = nested(around.format(name), places)
    assert redact(value) is value


@pytest.mark.parametrize("text", CASES["survive"])
def test_ordinary_text_survives(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(("text", "secret"), CASES["masked"])
def test_secret_is_masked_and_the_rest_is_not(text: str, secret: str) -> None:
    assert secret in text
    before, _, after = text.rpartition(secret)
    masked = redact_text(text)
    assert secret not in masked
    assert masked.startswith(before.rpartition(secret)[0])
    assert masked.endswith(after)
    assert "[redacted:" in masked


@pytest.mark.parametrize(("value", "expected"), [(case["value"], case["expected"]) for case in CASES["structures"]])
def test_structure(value: Any, expected: Any) -> None:
    assert redact(value) == expected


def test_the_same_secret_is_known_again_and_a_salt_changes_its_mark() -> None:
    marked = redact({"lines": ["password=hunter2", "retry with password=hunter2"], "env": {"DB_PASSWORD": "hunter2"}})
    assert json.dumps(marked).count(mark("password", "hunter2")) == 3
    assert redact_text("password=hunter2", "a") != redact_text("password=hunter2", "b")


def test_a_megabyte_takes_seconds_at_most() -> None:
    """An order of magnitude above what it takes, so that only a wrong algorithm fails."""
    line = 'level=info msg="served" token_count=5 trace_id=4bf92f3577b34da6a3ce929d0e0e4736 password=hunter2 user=bob'
    texts: Json = {"lines": [line] * (1_000_000 // len(line)), "hard": "a://" * 50_000, "open": "password" * 30_000}
    before = time.process_time()
    redact(texts)
    assert time.process_time() - before < 5


async def test_answers_errors_and_evidence_hold_no_secret() -> None:
    script = ScriptedTools(
        {"a.read": {"log": "password=hunter2"}, "a.fail": ToolDenied("401 for ghp_" + "a" * 36, "Renew.")}
    )
    recorder = Recorder(Redacted(script))
    for tool in ("a.read", "a.fail"):
        told = (await recorder.collect(tool, {})).model_dump_json()
        assert "hunter2" not in told
        assert "aaaa" not in told
        assert "[redacted:" in told
