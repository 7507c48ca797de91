"""Where settings come from, and what a wrong one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from autodevops.kernel.errors import SettingsError
from autodevops.settings import load_settings


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_environment_wins_over_the_file_and_flags_over_both(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("autodevops.toml").write_text(
        '[loki]\nurl = "http://file:3100"\ntenant = "a"\n[tempo]\nurl = "http://file:3200"\n'
    )
    monkeypatch.setenv("AUTODEVOPS_LOKI__URL", "http://env:3100/")
    settings = load_settings(tempo={"url": "http://flag:3200"})
    assert (settings.loki.url, settings.loki.tenant, settings.tempo.url) == ("http://env:3100", "a", "http://flag:3200")


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("[loki]\nurl = 3\n", ["loki.url", "autodevops.toml", "3"]),
        ('[loki]\nurl = "localhost:3100"\n', ["loki.url", "localhost:3100", "http://"]),
        ("[loki\n", ["autodevops.toml", "TOML", "line 1"]),
        ('[lokki]\nurl = "http://x"\n', ["lokki", "no such setting; did you mean loki?"]),
        ('[loki]\nulr = "http://x"\n', ["loki.ulr", "did you mean loki.url?"]),
        ("[investigation]\nwindow_minutes = 0\n", ["investigation.window_minutes", "0"]),
    ],
)
def test_a_broken_file_is_one_sentence_that_names_the_setting(file: str, names: list[str]) -> None:
    Path("autodevops.toml").write_text(file)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    for name in names:
        assert name in str(caught.value)


def test_a_file_that_is_no_text_is_named() -> None:
    Path("autodevops.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=r"autodevops\.toml is not text in UTF-8"):
        load_settings()


def test_a_folder_in_the_place_of_the_file_is_named() -> None:
    Path("autodevops.toml").mkdir()
    with pytest.raises(SettingsError, match=r"autodevops\.toml is a folder"):
        load_settings()


def test_a_missing_settings_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTODEVOPS_SETTINGS_FILE", "elsewhere.toml")
    with pytest.raises(SettingsError, match=r"elsewhere\.toml does not exist"):
        load_settings()


@pytest.mark.parametrize("text", ["acme/shop,acme/infra", '["acme/shop", "acme/infra"]', " acme/shop , acme/infra,"])
def test_a_list_of_names_needs_no_quotes(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTODEVOPS_GITHUB__REPOSITORIES", text)
    assert load_settings().github.repositories == ("acme/shop", "acme/infra")


def test_a_table_that_is_no_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTODEVOPS_LOKI__HEADERS", "X-Team=sre")
    with pytest.raises(SettingsError, match="JSON"):
        load_settings()


def test_secrets_are_not_shown_in_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTODEVOPS_PROMETHEUS__TOKEN", "hunter2")
    assert "hunter2" not in repr(load_settings())
