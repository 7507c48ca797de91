"""pyproject.toml, environment.yml and constraints.txt say the same."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DEPENDENCIES: list[str] = PROJECT["project"]["dependencies"]
CONDA_NAMES = {
    "ollama": "ollama-python",
    "kubernetes": "python-kubernetes",
    "duckdb": "python-duckdb",
    "prometheus-client": "prometheus_client",
    "tzdata": "python-tzdata",
}
MODULES = {
    "beautifulsoup4": "bs4",
    "slack-sdk": "slack_sdk",
    "pydantic-settings": "pydantic_settings",
    "promql-parser": "promql_parser",
    "pyyaml": "yaml",
    "python-dotenv": "dotenv",
    "prometheus-client": "prometheus_client",
    "langgraph": "langgraph.graph",
    "langgraph-checkpoint-sqlite": "langgraph.checkpoint.sqlite",
}


def _name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9-]+", requirement)
    assert match, requirement
    return match.group()


def test_environment_yml_lists_what_pyproject_lists() -> None:
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = {entry for entry in entries if isinstance(entry, str)}
    pip = {line for entry in entries if isinstance(entry, dict) for line in entry["pip"]}
    wanted = {
        requirement.replace(_name(requirement), CONDA_NAMES.get(_name(requirement), _name(requirement)), 1)
        for requirement in DEPENDENCIES
    }
    assert conda | pip == wanted | {"pip", "-e .", f"python{PROJECT['project']['requires-python']}"}


def test_constraints_pin_every_dependency_and_name_no_index() -> None:
    text = (ROOT / "constraints.txt").read_text()
    pinned = {line.split("==")[0] for line in text.splitlines()}
    development = PROJECT["dependency-groups"]["dev"]
    assert {_name(requirement).lower() for requirement in [*DEPENDENCIES, *development]} <= pinned
    assert "://" not in text
    assert "--" not in text


@pytest.mark.parametrize("requirement", DEPENDENCIES, ids=_name)
def test_every_declared_dependency_imports(requirement: str) -> None:
    name = _name(requirement)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert importlib.import_module(MODULES.get(name, name.replace("-", "_")))


@pytest.mark.parametrize(
    ("command", "heavy"),
    [
        (
            "import autodevops",
            {"pydantic", "mcp", "kubernetes", "pandas", "plotly", "papermill", "lancedb", "langgraph", "numpy"},
        ),
        (
            "import autodevops.cli",
            {"mcp", "kubernetes", "pandas", "plotly", "papermill", "lancedb", "langgraph", "IPython", "numpy"},
        ),
    ],
)
def test_heavy_libraries_are_imported_late(command: str, heavy: set[str]) -> None:
    code = f"{command}\nimport sys\nprint(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not heavy & set(loaded)


def test_no_file_names_a_registry_host_or_a_machine_path() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    hosts = re.compile(
        r"pyp[i]\.org|python[h]osted|registry\.np[m]js|deb\.deb[i]an|np[m]js\.org"
        r"|(^|[^a-z./])/([w]ork|[f]arm)/|(^|[^a-z])/[r]oot/"  # none of them finds itself
    )
    for name in filter(None, tracked.split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue
        text = path.read_text(errors="ignore")
        assert not hosts.search(text), name
