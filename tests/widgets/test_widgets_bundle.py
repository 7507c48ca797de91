"""The built front end is what its sources say, holds no address, and its own tests pass."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from npm import SOURCES, node_modules

REPOSITORY = Path(__file__).resolve().parents[2]
STATIC = REPOSITORY / "autodevops" / "widgets" / "static"
BUILT = tuple(f"{name}.{kind}" for name in ("chat", "portal", "views") for kind in ("js", "css"))
NEVER_LOADED = {
    "http://www.w3.org/2000/svg",  # a namespace
    "https://github.com/markedjs/marked.",  # in the text of an error of marked
}


@pytest.fixture(scope="session")
def packages() -> Path:
    return node_modules()


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=SOURCES, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_committed_bundle_is_built_from_the_sources_and_within_its_size(packages: Path, tmp_path: Path) -> None:
    run("node", "build.mjs", str(tmp_path))
    for name in BUILT:
        assert (tmp_path / name).read_text() == (STATIC / name).read_text(), "run: cd widgets && npm run build"


def test_the_sources_are_typed(packages: Path) -> None:
    run(str(packages / ".bin" / "tsc"), "--noEmit")


def test_the_front_end_passes_its_own_tests(packages: Path) -> None:
    run(str(packages / ".bin" / "vitest"), "run")


def test_the_bundle_names_no_host_and_parses_no_html() -> None:
    code = "".join(path.read_text() for path in STATIC.iterdir())
    assert set(re.findall(r"https?://[\w.-]+[\w/.-]*", code)) <= NEVER_LOADED
    assert "eval(" not in code
    assert "innerHTML" not in code


def test_a_saved_notebook_keeps_the_conversation_where_we_serve_it() -> None:
    from autodevops.widgets.serving import JUPYTER_CONFIG

    overrides = json.loads((JUPYTER_CONFIG / "labconfig" / "default_setting_overrides.json").read_text())
    assert overrides["@jupyter-widgets/jupyterlab-manager:plugin"] == {"saveState": True}


def test_voila_and_lab_are_told_to_stay_on_this_machine() -> None:
    from autodevops.widgets.serving import lab_command, serving_environment, voila_command

    for command in (lab_command(Path("x"), 1, "t"), voila_command(Path("x"), 1, "t")):
        assert [part for part in command if part.endswith("ip=127.0.0.1")]
    environment = serving_environment({"JUPYTER_PATH": "mine", "A": "b"})
    ours, theirs = environment["JUPYTER_PATH"].split(":")
    assert (Path(ours) / "voila" / "templates" / "autodevops" / "conf.json").is_file()
    assert (theirs, environment["A"]) == ("mine", "b")
    template = (Path(ours) / "voila" / "templates" / "autodevops" / "index.html.j2").read_text()
    assert "http" not in template
