"""The chaos matrix: each system fails in each way from each of Scarlet's steps on. Prints a table, and its figures.

    make chaos                          # all cells
    make chaos CELLS="tempo loki"       # those of some systems
    make chaos CELLS=daemon             # the real daemon, killed at three of her steps

One scenario, a bad release, is played in virtual time for each cell; the failure lasts four minutes. The ledger is down
or well; Ollama and further MCP servers are not asked by the loop, and ours live in its own process. At the end the
daemon is run as a process and killed (SIGKILL), once in a life and then at all its steps in one.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from collections import Counter
from itertools import product
from pathlib import Path

from scarlet import deaths_world
from scarlet.chaos_world import COMPONENTS, FAILURES, STEPS, Cell, ended, play, problems


def main(chosen: list[str]) -> int:
    logging.disable(logging.CRITICAL)
    found: Counter[str] = Counter()
    wrong = 0
    for component, failure in product(COMPONENTS, FAILURES):
        if (chosen and component not in chosen) or (component == "ledger" and failure != "down"):
            continue
        for step in STEPS:
            cell = Cell(component, failure, step)
            with tempfile.TemporaryDirectory(prefix="autodevops-chaos-") as folder:
                course = asyncio.run(play(cell, Path(folder)))
            objections = problems(cell, course)
            found[ended(course)] += 1
            wrong += bool(objections)
            print(f"{component:<13}{failure:<9}{step:<9}{ended(course):<18}{'; '.join(objections)}", flush=True)
    if not chosen or "daemon" in chosen:
        for phases in (*((phase,) for phase in deaths_world.PHASES), deaths_world.PHASES):
            with tempfile.TemporaryDirectory(prefix="autodevops-chaos-") as folder:
                life = deaths_world.play(phases, Path(folder))
            objections = deaths_world.problems(life)
            found["lived on" if not objections else "broken"] += 1
            wrong += bool(objections)
            print(f"{'daemon':<13}{'killed':<9}{', '.join(phases)}  {'; '.join(objections)}", flush=True)
    ends = ", ".join(f"{count} {name}" for name, count in found.most_common())
    print(f"\n{found.total()} cells: {ends}; {wrong} with objections")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
