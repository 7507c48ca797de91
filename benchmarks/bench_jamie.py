"""Prints what time of ours a turn with Jamie takes, by intent and stage, apart from the systems' and the model's.

The sandbox runs in a process of its own, so that this process' processor time is ours alone: the agent, the toolbox
and the MCP servers. `own` is the wall time in which no call was in the air; `cpu` is all processor time of the turn,
that of the servers' reading of answers included. Nothing is cached between rounds. The first round is left out of the
medians and printed as `first`. `--profile INTENT` says where its time goes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from autodevops.domain.stream import TurnFailed
from autodevops.domain.turn_health import TurnHealth
from autodevops.settings import load_settings
from autodevops.workbench import Workbench

QUESTIONS = {
    "status": "is checkout ok?",
    "list": "which pods are not ready?",
    "count": "how many deployments are there?",
    "logs": "show me the logs of payment",
    "metrics": "show me the metrics of payment",
    "traces": "slowest traces of checkout",
    "compare": "before and after the last deploy of payment",
    "capacity": "do we have room for 10 more replicas of cart?",
    "alerts": "what is firing?",
    "deploys": "what changed today?",
    "howto": "what does CrashLoopBackOff mean?",
    "action": "restart payment",
    "since_when": "since when?",
    "help": "help",
    "smalltalk": "hello",
    "investigate": "why are checkouts failing?",
}


@contextmanager
def sandbox(scenario: str) -> Iterator[None]:
    """A sandbox in another process, in the environment of this one."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "autodevops",
            "sandbox",
            "up",
            scenario,
            "--kubeconfig",
            f"{folder}/kubeconfig",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    name, _, value = line.strip().partition("=")
                    os.environ[name] = value
                    if name == "AUTODEVOPS_GITHUB__REPOSITORIES":
                        break
                yield
            finally:
                process.terminate()


async def turn(bench: Workbench, question: str) -> tuple[TurnHealth, float]:
    """One turn, and the processor milliseconds it took of this process."""
    before = time.process_time()
    async for event in bench.ask(question):
        if isinstance(event, TurnFailed):
            print(f"  {question}: {event.message}", file=sys.stderr)
    return bench.jamie.health.turns[-1], (time.process_time() - before) * 1000


async def rounds(wanted: list[str], count: int) -> None:
    rows: dict[str, list[tuple[TurnHealth, float]]] = {intent: [] for intent in wanted}
    async with Workbench.from_settings(load_settings()) as bench:
        for number in range(count + 1):
            for intent in wanted:
                rows[intent].append(await turn(bench, QUESTIONS[intent]))
            print(f"round {number + 1} of {count + 1}", file=sys.stderr)
    head = (
        "intent",
        "first event",
        "understood",
        "first word",
        "answer",
        "tools",
        "calls",
        "context",
        "engine",
        "words",
    )
    print("".join(f"{name:>12}" for name in (*head, "own", "cpu", "first cpu")))
    own, cpu, events = [], [], []
    for intent, measured in rows.items():
        turns = [each for each, _ in measured[1:]]
        spent = [each for _, each in measured[1:]]
        figures = [
            _middle([each.first_event_ms for each in turns]),
            _middle([each.understood_ms for each in turns]),
            _middle([each.first_token_ms for each in turns]),
            _middle([each.total_ms for each in turns]),
            _middle([each.tools_ms for each in turns]),
            _middle([float(each.tool_calls) for each in turns]),
            _middle([each.context_ms for each in turns]),
            _middle([each.engine_ms for each in turns]),
            _middle([each.narration_ms for each in turns]),
            _middle([each.own_ms for each in turns]),
            median(spent),
            measured[0][1],
        ]
        print(f"{intent:>12}" + "".join(f"{value:>12,.1f}" for value in figures))
        own += [each.own_ms for each in turns]
        cpu += spent
        events += [each.first_event_ms or 0.0 for each in turns]
    print(
        f"\nover all turns but the first, in ms: own p50 {median(own):.1f}, p95 {_high(own):.1f}; "
        f"processor p50 {median(cpu):.1f}, p95 {_high(cpu):.1f}; "
        f"first event p50 {median(events):.2f}, p95 {_high(events):.2f}"
    )


async def profiled(intent: str) -> None:
    import cProfile
    import pstats

    async with Workbench.from_settings(load_settings()) as bench:
        await turn(bench, QUESTIONS[intent])
        profile = cProfile.Profile()
        profile.enable()
        await turn(bench, QUESTIONS[intent])
        profile.disable()
    pstats.Stats(profile).sort_stats("cumulative").print_stats(60)
    pstats.Stats(profile).sort_stats("tottime").print_stats(30)


def _middle(values: list[float | None]) -> float:
    return median([value for value in values if value is not None] or [0.0])


def _high(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)] if values else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", default="bad-deploy")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--intents", nargs="*", choices=list(QUESTIONS), default=list(QUESTIONS))
    parser.add_argument("--profile", choices=list(QUESTIONS), default="")
    options = parser.parse_args()
    os.environ["AUTODEVOPS_TOOLBOX__CACHE_SECONDS"] = "0"
    os.chdir(Path(tempfile.gettempdir()))  # no autodevops.toml of the reader's
    with sandbox(options.scenario):
        asyncio.run(profiled(options.profile) if options.profile else rounds(options.intents, options.rounds))


if __name__ == "__main__":
    main()
