"""The commands against the sandbox, each in a process of its own, as a newcomer types them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from programs import require


@dataclass(frozen=True)
class Shell:
    """A folder and an environment to run commands in."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "autodevops", *arguments],
            env={**self.environment, **changes},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
        )


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """`autodevops sandbox up` in the background; its printed lines are the environment."""
    folder = tmp_path_factory.mktemp("shell")
    base = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "autodevops", "sandbox", "up", "--kubeconfig", "sandbox.kubeconfig"]
    with subprocess.Popen(command, cwd=folder, env=base, stdout=subprocess.PIPE, text=True) as sandbox:
        try:
            assert sandbox.stdout is not None
            printed: dict[str, str] = {}
            for line in sandbox.stdout:
                name, _, value = line.strip().partition("=")
                printed[name] = value
                if name == "AUTODEVOPS_GITHUB__REPOSITORIES":
                    break
            yield Shell(folder, {**base, **printed})
            sandbox.send_signal(signal.SIGINT)
            assert sandbox.wait(timeout=180) == 0
        finally:
            sandbox.kill()


def test_sandbox_up_prints_an_address_for_every_system(shell: Shell) -> None:
    for system in ("PROMETHEUS", "ALERTMANAGER", "LOKI", "TEMPO", "GITHUB"):
        assert shell.environment[f"AUTODEVOPS_{system}__URL"].startswith("http://127.0.0.1:")
    assert Path(shell.environment["KUBECONFIG"]).is_file()


def test_its_kubeconfig_serves_kubectl(shell: Shell) -> None:
    kubectl = require("kubectl", "kubernetes-client")
    done = subprocess.run(
        [kubectl, "get", "deployments", "-o", "name"],
        env=dict(shell.environment),
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert "deployment.apps/checkout" in done.stdout, done.stderr


def test_ask_answers_in_the_first_line_and_cites_evidence(shell: Shell) -> None:
    done = shell.run("ask", "why are checkouts failing?")
    assert done.returncode == 0, done.stderr
    first = done.stdout.splitlines()[0]
    assert "payment" in first
    assert "[ev-" in first
    assert "rollout undo deployment/payment" in done.stdout


def test_ask_json_is_one_document_without_banter(shell: Shell) -> None:
    done = shell.run("ask", "why are checkouts failing?", "--json")
    document = json.loads(done.stdout)
    assert document["investigation"]["hypotheses"][0]["subject"]["name"] == "payment"
    assert "mate" not in document["answer"]


def test_investigate_json_names_the_culprit_with_evidence(shell: Shell) -> None:
    done = shell.run("investigate", "--namespace", "shop", "--json")
    document = json.loads(done.stdout)
    top = document["hypotheses"][0]
    assert document["verdict"] == "explained"
    assert (top["subject"]["kind"], top["subject"]["namespace"], top["subject"]["name"]) == (
        "Deployment",
        "shop",
        "payment",
    )
    assert 0.5 <= top["confidence"] <= 1.0
    assert set(top["evidence"]) <= {item["id"] for item in document["evidence"]}
    assert top["evidence"]


def test_doctor_finds_every_system(shell: Shell) -> None:
    done = shell.run("doctor", "--json")
    assert done.returncode == 0, done.stdout
    states = {check["system"]: check["state"] for check in json.loads(done.stdout)}
    assert states.pop("ollama") == "not configured"
    assert set(states.values()) == {"ok"}


@pytest.mark.parametrize("command", ["ask", "investigate"])
def test_a_namespace_that_does_not_exist_is_named_with_near_ones(shell: Shell, command: str) -> None:
    words = ["ask", "why are requests failing?"] if command == "ask" else ["investigate"]
    done = shell.run(*words, "--namespace", "shopp")
    assert done.returncode == 2, done.stdout
    assert "shopp" in done.stderr
    assert "shop" in done.stderr.replace("shopp", "")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"AUTODEVOPS_PROMETHEUS__URL": "http://127.0.0.1:9"}, "http://127.0.0.1:9"),
        ({"AUTODEVOPS_LOKI__URL": ""}, "AUTODEVOPS_LOKI__URL"),
        ({"AUTODEVOPS_GITHUB__TOKEN": "expired"}, "AUTODEVOPS_GITHUB__TOKEN"),
        ({"KUBECONFIG": "gone"}, "gone"),
    ],
    ids=["refused", "not configured", "expired token", "no kubeconfig"],
)
def test_with_one_system_away_the_others_still_answer(shell: Shell, change: dict[str, str], said: str) -> None:
    done = shell.run("investigate", "-n", "shop", "--json", **change)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["hypotheses"][0]["subject"]["name"] == "payment"
    assert said in json.dumps(document["missing"])


def test_the_wrong_address_of_a_living_server_is_recognised(shell: Shell) -> None:
    wrong = shell.environment["AUTODEVOPS_LOKI__URL"]
    done = shell.run("doctor", AUTODEVOPS_PROMETHEUS__URL=wrong)
    assert done.returncode == 1
    assert "did not answer like Prometheus" in done.stdout


def test_a_change_is_planned_refused_while_stopped_and_left_in_the_log(shell: Shell) -> None:
    import pwd

    me = pwd.getpwuid(os.getuid()).pw_name
    cart = ["-p", "workload=Deployment", "-p", "namespace=shop", "-p", "name=cart"]
    writing = {
        "AUTODEVOPS_KUBERNETES__ALLOW_WRITES": "true",
        "AUTODEVOPS_EXECUTOR__APPROVERS": me,
        "USER": "somebody-else",
    }
    planned = shell.run("act", "restart_workload", *cart, "--dry-run", **writing)
    assert planned.returncode == 0, planned.stderr
    for said in ("restartedAt", "cannot be taken back", "1 yes", "sha256:"):
        assert said in planned.stdout.replace("0 of 1 yes", "1 yes"), planned.stdout
    assert shell.run("scarlet", "stop", "rehearsal").returncode == 0
    refused = shell.run("act", "restart_workload", *cart, "--yes", "--json", **writing)
    operation = json.loads(refused.stdout)
    assert refused.returncode == 1
    assert operation["outcome"]["result"] == "not_applied"
    assert "rehearsal" in operation["outcome"]["words"]
    assert operation["proposal"]["asked_by"] == me
    assert shell.run("scarlet", "resume").returncode == 0
    decided = json.loads(shell.run("act", "decisions", "--json").stdout)
    assert [one["verdict"] for one in decided["decisions"]] == ["seek_approval", "refuse"]
