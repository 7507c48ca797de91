"""Secrets come from where the settings say, reach the kernel, and leave a run in no spelling."""

from __future__ import annotations

import base64
import html
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from runbook_files import write_runbook
from sandbox_kubernetes.clusters import Api, serving

from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import UsageError
from autodevops.runbooks import KernelPool, Means, Places, RunQueue, RunRequest, load_runbook
from autodevops.runbooks.masking import Masking, spans, spellings
from autodevops.runbooks.progress import OutputChunk
from autodevops.runbooks.secrets import fetch_secrets
from autodevops.settings import KubernetesSettings
from autodevops.stores.ledger_twin import MemoryLedger

VALUE = 'h&nter2/"ü+key=='
values = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=4, max_size=24).filter(
    lambda text: len(text.strip()) >= 4
)
SPELLED: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": json.dumps,
    "json in json": lambda text: json.dumps(json.dumps(text)),
    "json as utf-8": lambda text: json.dumps({"key": text}, ensure_ascii=False),
    "python": repr,
    "html": html.escape,
    "url": lambda text: quote(text, safe=""),
    "url path": quote,
    "form": quote_plus,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
}


@pytest.mark.parametrize("name", SPELLED)
@given(value=values, before=st.text(max_size=8), after=st.text(max_size=8))
def test_no_spelling_of_a_secret_is_left(name: str, value: str, before: str, after: str) -> None:
    masking = Masking({"PROBE": value})
    masked = masking.known(before + SPELLED[name](value) + after)
    assert spans(masking.spelled, masked) == []
    assert SPELLED[name](value).strip("\"'") not in masked or len(SPELLED[name](value).strip("\"'")) < 4


@given(
    value=values.filter(lambda text: len(text.encode()) >= 9), before=st.binary(max_size=7), after=st.binary(max_size=7)
)
def test_base64_of_a_text_around_the_secret_is_masked(value: str, before: bytes, after: bytes) -> None:
    """As in `Authorization: Basic base64(user:password)`."""
    encoded = base64.b64encode(before + value.encode() + after).decode()
    masked = Masking({"PROBE": value}).known(encoded)
    assert "[secret PROBE]" in masked or "•••" in masked


@given(
    value=values,
    pieces=st.lists(st.text(max_size=6), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 200), max_size=8),
)
def test_stream_in_pieces_is_masked_as_the_whole_is(value: str, pieces: list[str], cuts: list[int]) -> None:
    masking = Masking({"PROBE": value})
    text = value.join([*pieces, ""])
    stream = masking.stream()
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    told = "".join(stream.feed(text[start:end]) for start, end in pairwise(edges)) + stream.end()
    assert value not in told


@given(st.text(), st.lists(st.text(max_size=5)))
def test_stream_without_secrets_is_not_changed(text: str, more: list[str]) -> None:
    masking = Masking({"PROBE": "correct horse battery"})
    stream = masking.stream()
    pieces = [text, *more]
    assert "".join(stream.feed(piece) for piece in pieces) + stream.end() == "".join(pieces)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def texts_of(value: object) -> Iterator[str]:
    """Every text and number of a JSON value, keys included: how JSON escapes a zero or spells a truth is no secret."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield json.dumps(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from texts_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)


@example("\0", "0000")
@given(json_values, values)
def test_json_keeps_its_shape_and_loses_the_secret_wherever_it_stands(document: object, value: str) -> None:
    masking = Masking({"PROBE": value})
    holding = {"deep": [document, {value: document, "text": f"<{value}>"}], "n": 1.5}
    masked = masking.known_value(holding)
    assert not any(
        spans(masking.spelled, text) for text in texts_of(masked) if text not in {"deep", "text", "n", "1.5"}
    )
    assert set(masked) == {"deep", "text", "n"} - {"text"}
    assert masked["n"] == 1.5


def test_value_without_secrets_is_the_same_object() -> None:
    document = {"a": [1, 2.5, "text"], "b": {"c": None}}
    assert Masking({"PROBE": "hunter2!"}).value(document) is document
    assert Masking(redacting=True).value(document) is document


def test_numeric_secret_is_masked_as_a_number_too() -> None:
    assert Masking({"PIN": "90210"}).known_value({"a": [90210, 7]}) == {"a": ["[secret PIN]", 7]}


def test_lines_of_a_key_are_masked_one_by_one() -> None:
    key = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA7\nbGVzc29uIG9uZQ==\n-----END KEY-----"
    masked = Masking({"KEY": key}).known("grep: MIIEpAIBAAKCAQEA7 and bGVzc29uIG9uZQ==")
    assert masked == "grep: [secret KEY] and [secret KEY]"


def test_mark_never_holds_the_secret_itself() -> None:
    assert Masking({"PASSWORD": "WORD"}).known("my WORD") == "my •••"


def test_coloured_text_is_masked_across_its_colours() -> None:
    assert "hunter22" not in Masking({"P": "hunter22"}).known("\x1b[31mhun\x1b[0mter22").replace("\x1b[0m", "")


def test_general_rules_leave_pictures_and_packed_numbers_alone() -> None:
    token = "ghp_" + 36 * "a"
    packed = "AKIA" + 16 * "A" + "eyJ"
    document = {"data": {"image/png": packed, "chart": {"y": {"dtype": "f8", "bdata": packed}, "title": token}}}
    redacted = Masking(redacting=True).value(document)
    assert redacted["data"]["image/png"] == packed
    assert redacted["data"]["chart"]["y"] == {"dtype": "f8", "bdata": packed}
    assert token not in str(redacted)


def _fetched(place: str, kubernetes: KubernetesSettings | None = None) -> str:
    places = Places({"probe": place}, kubernetes or KubernetesSettings())
    return fetch_secrets("book", ("PROBE",), places)["PROBE"]


def test_secret_comes_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMEWHERE", VALUE)
    (tmp_path / "secret").write_text(VALUE + "\n")
    assert _fetched("env:SOMEWHERE") == VALUE
    assert _fetched(f"file:{tmp_path / 'secret'}") == VALUE


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("env:NOT_THERE", "environment variable is not set"),
        ("file:/no/such/file", "No such file"),
        ("vault:x", "no place for a secret"),
        ("env:", "no place for a secret"),
        ("env:SHORT", "less than 4 characters"),
        ("env:NOT_TEXT", "not text in UTF-8"),
        ("kubernetes:shop/db", "namespace/name/key"),
        ("kubernetes:../x/../y/z", "namespace/name/key"),
        ("keyring:alone", "service/user"),
    ],
)
def test_missing_secret_is_named_with_where_it_was_looked_for(
    monkeypatch: pytest.MonkeyPatch, place: str, words: str
) -> None:
    monkeypatch.setenv("SHORT", "abc")
    monkeypatch.setitem(os.environb, b"NOT_TEXT", b"\xff\xfe\xfd\xfc")
    with pytest.raises(UsageError, match="secret PROBE of runbook book") as caught:
        _fetched(place)
    assert place in str(caught.value)
    assert words in str(caught.value)
    assert caught.value.next_step


def test_secret_that_no_setting_places_is_named() -> None:
    with pytest.raises(UsageError, match=r"needs the secret PROBE.*\[secrets\]"):
        fetch_secrets("book", ("PROBE",), Places())


def test_secret_comes_from_the_cluster(tmp_path: Path) -> None:
    with serving(tmp_path) as api:
        _store(api)
        settings = KubernetesSettings(kubeconfig=Path(api.environment()["KUBECONFIG"]))
        assert _fetched("kubernetes:shop/db/password", settings) == VALUE
        with pytest.raises(UsageError, match=r"no such key. It has: password"):
            _fetched("kubernetes:shop/db/user", settings)
        with pytest.raises(UsageError, match="the cluster answers 404"):
            _fetched("kubernetes:shop/cache/password", settings)
    with pytest.raises(UsageError, match="the cluster cannot be asked"):
        _fetched("kubernetes:shop/db/password", settings)


def _store(api: Api) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": "shop"},
        "type": "Opaque",
        "data": {"password": base64.b64encode(VALUE.encode()).decode()},
    }
    api.bench.store.create(secret)


KEYRING = """
from keyring import errors

def get_password(service, user):
    if service == "locked":
        raise errors.KeyringError("it is locked")
    return {("ops/db", "ann"): "from the keyring"}.get((service, user))
"""


def test_secret_comes_from_the_keyring_where_the_library_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package stands where the library would; it has the names of the library that are used."""
    with pytest.raises(UsageError, match=r"keyring is not installed.*pip install 'autodevops\[keyring\]'"):
        _fetched("keyring:ops/db/ann")
    (tmp_path / "keyring").mkdir()
    (tmp_path / "keyring" / "__init__.py").write_text(KEYRING)
    (tmp_path / "keyring" / "errors.py").write_text("class KeyringError(Exception): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert _fetched("keyring:ops/db/ann") == "from the keyring"
        with pytest.raises(UsageError, match="no such entry"):
            _fetched("keyring:ops/db/bob")
        with pytest.raises(UsageError, match="it is locked"):
            _fetched("keyring:locked/ann")
    finally:
        for name in ("keyring", "keyring.errors"):
            sys.modules.pop(name, None)


LEAKING = [
    "import os; secret = os.environ['PROBE_TOKEN']",
    "print('a', secret, 'b')",
    "import sys\nhalf = len(secret) // 2\nprint(secret[:half], end='', flush=True)\n"
    "import time; time.sleep(0.5)\nprint(secret[half:], flush=True)",
    "import base64, json, html, urllib.parse\n"
    "print(base64.b64encode(('user:' + secret).encode()).decode(), json.dumps(secret), html.escape(secret))\n"
    "print(urllib.parse.quote(secret), repr(secret), file=sys.stderr)",
    "from IPython.display import display, HTML, JSON\n"
    "display(HTML('<b>' + html.escape(secret) + '</b>'), JSON({'k': [secret], secret: 1}))",
    "display({'text/plain': secret}, raw=True, metadata={'note': secret}, display_id='x')\nsecret",
    "#md literal: PLACEHOLDER",
    "x = 'PLACEHOLDER'",
    "raise ValueError('cannot log in with ' + secret)",
]


@pytest.mark.parametrize("warm", [False, True])
async def test_no_byte_of_a_run_holds_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, warm: bool
) -> None:
    value = "s3cr&t/Välue\"+'x=="
    monkeypatch.setenv("SOMEWHERE", value)
    cells = [cell.replace("'PLACEHOLDER'", repr(value)).replace("PLACEHOLDER", value) for cell in LEAKING]
    note = {"note": {"type": "str", "default": "", "help": "any text"}}
    path = write_runbook(tmp_path / "runbooks", cells, secrets=["probe_token"], parameters=note)
    ledger = MemoryLedger()
    means = Means(
        tmp_path / "artifacts",
        utc_now,
        kernels=KernelPool(int(warm), imports=()),
        secrets=Places({"PROBE_TOKEN": "env:SOMEWHERE"}),
        ledger=ledger,
        redacting=False,
    )
    with caplog.at_level(logging.DEBUG):
        async with RunQueue(means) as queue:
            handle = queue.submit(RunRequest(load_runbook(path), {"note": f"use {value}"}, reason=f"try {value}"))
            events = [event async for event in handle.progress]
            record = await handle.result()
    assert record.status == "failed"
    assert record.run.error is not None
    assert record.run.error.message == "cannot log in with [secret PROBE_TOKEN]"
    written = {path.name: path.read_text() for path in record.folder.iterdir()}
    written["events"] = "".join(str(event) for event in events)
    written["ledger"] = "".join(event.model_dump_json() for event in ledger.events())
    written["log"] = caplog.text
    written["stream"] = "".join(event.text for event in events if isinstance(event, OutputChunk))
    written["notebook as data"] = str(json.loads(written["notebook.ipynb"]))
    for name, text in written.items():
        for spelling in spellings(value):
            assert spelling not in text, f"{spelling!r} in {name}"
    assert written["notebook.ipynb"].count("[secret PROBE_TOKEN]") >= 12
    assert "a [secret PROBE_TOKEN] b" in written["report.html"]


async def test_missing_secret_stops_a_run_before_anything_is_written(tmp_path: Path) -> None:
    path = write_runbook(tmp_path / "runbooks", ["1"], secrets=["PROBE_TOKEN"])
    means = Means(tmp_path / "artifacts", utc_now, secrets=Places({"PROBE_TOKEN": "env:NOT_THERE"}))
    async with RunQueue(means) as queue:
        with pytest.raises(UsageError, match="PROBE_TOKEN"):
            await queue.run(RunRequest(load_runbook(path)))
    assert not (tmp_path / "artifacts").exists()


@pytest.mark.parametrize(("redacting", "kept"), [(True, False), (False, True)])
async def test_what_looks_like_anybodys_secret_is_redacted_unless_turned_off(
    tmp_path: Path, redacting: bool, kept: bool
) -> None:
    token = "ghp_" + 36 * "a"
    path = write_runbook(tmp_path / "runbooks", ["print('ghp_' + 36 * 'a')"])
    async with RunQueue(Means(tmp_path / "artifacts", utc_now, redacting=redacting)) as queue:
        record = await queue.run(RunRequest(load_runbook(path)))
    for name in ("notebook.ipynb", "report.html"):
        assert (token in (record.folder / name).read_text()) == kept
