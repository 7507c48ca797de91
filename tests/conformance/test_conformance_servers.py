"""Our five servers over HTTP, as the official conformance suite and the official inspector meet them.

What the suite asks and a product has no reason to answer is listed, with why, in expected-*.yaml beside this file.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from npm_programs import node, npm_programs
from patience import patient

from autodevops import servers
from autodevops.sandbox import Sandbox

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
SERVE = """
import sys
from autodevops import servers
from autodevops.settings import load_settings

servers.run(sys.argv[1], load_settings(), transport="http", port=0)
"""
CALLS = {  # one call per server that the sandbox answers, and a field of its answer
    "kubernetes": ("list_resources", ["kind=Pod", "namespace=shop"], "rows"),
    "prometheus": ("query_instant", ["query=count(up)"], "series"),
    "loki": ("list_labels", [], "names"),
    "tempo": ("list_tags", [], "names"),
    "github": ("list_commits", ["repository=acme/shop", "limit=1"], "commits"),
}


@pytest.fixture(scope="module")
def node_modules() -> Path:
    return npm_programs()


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """All five, each in a process of its own, in front of one sandbox."""
    kubeconfig = tmp_path_factory.mktemp("conformance") / "kubeconfig"
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(scenario="bad-deploy", seed=1, now=NOW))
        sandbox.write_kubeconfig(kubeconfig)
        environment = {**os.environ, **patient(sandbox), "KUBECONFIG": str(kubeconfig)}
        yield {name: stack.enter_context(_served(name, environment)) for name in servers.NAMES}


@contextmanager
def _served(name: str, environment: dict[str, str]) -> Iterator[str]:
    command = [sys.executable, "-c", SERVE, name]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            address = re.search(r"http://\S+", said)
            assert address, said
            yield address.group()
        finally:
            process.kill()


def _run(node_modules: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [node(node_modules), str(node_modules / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)


@pytest.mark.parametrize(  # what speaks the older protocol is the same for all
    ("name", "protocol"), [*((name, "2026-07-28") for name in servers.NAMES), ("kubernetes", "2025-11-25")]
)
def test_nothing_that_applies_fails(name: str, protocol: str, node_modules: Path, addresses: dict[str, str]) -> None:
    expected = HERE / f"expected-{protocol}.yaml"
    done = _run(
        node_modules, "@modelcontextprotocol/conformance/dist/index.js", "server", "--url", addresses[name],
        "--suite", "all", "--spec-version", protocol, "--expected-failures", str(expected),
    )  # fmt: skip
    told = done.stdout + done.stderr
    assert done.returncode == 0, told[-3000:]
    for scenario in ("tools-list", "dns-rebinding-protection", "tools-call-error"):
        assert re.search(rf"✓ {scenario}: [1-9]\d* passed, 0 failed", told), told[-3000:]


def _inspected(node_modules: Path, address: str, *arguments: str) -> Any:
    script = "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
    done = _run(node_modules, script, "--cli", address, "--transport", "http", *arguments)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", servers.NAMES)
def test_inspector_lists_and_calls(name: str, node_modules: Path, addresses: dict[str, str]) -> None:
    tool, arguments, field = CALLS[name]
    listed = _inspected(node_modules, addresses[name], "--method", "tools/list")["tools"]
    assert tool in {item["name"] for item in listed}
    assert all(item["description"] and "readOnlyHint" in item["annotations"] for item in listed)
    pairs = [part for argument in arguments for part in ("--tool-arg", argument)]
    answer = _inspected(node_modules, addresses[name], "--method", "tools/call", "--tool-name", tool, *pairs)
    assert not answer.get("isError"), answer
    assert answer["structuredContent"][field]
