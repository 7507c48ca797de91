"""How well and how fast log lines are grouped by the statement that wrote them, beside Drain3. Prints, judges nothing.

Usage: python benchmarks/bench_logs.py [--lines 2000] [FOLDER]

Grouping accuracy as it is published: the share of lines whose group is exactly the lines of one statement. Both get
the same sentences in the same process, one after the other: Drain3 (MIT) as it comes, ours as the engine uses it. The
last column is ours from whole lines, whose header the engine takes off itself. Without a folder the lines are those of
log_corpora; of half of its systems only the accuracy was looked at while the miner was written. A FOLDER holds
`*_structured.csv` files with the columns Content and EventId, as labelled collections publish them.
"""

from __future__ import annotations

import argparse
import csv
import logging
import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

from drain3 import TemplateMiner
from log_corpora import CORPORA, lines

from autodevops.analysis.log_lines import read_text
from autodevops.analysis.log_mining import mine

_ROW = "{:26} {:>6} {:>5} {:>6} {:>7} {:>7} {:>7} {:>11}"
Grouping = Callable[[Sequence[str]], Sequence[Hashable]]


def accuracy(found: Sequence[Hashable], truth: Sequence[Hashable]) -> float:
    """The share of lines whose group equals a true one, member by member."""
    together = Counter(zip(found, truth, strict=True))
    of_group, of_truth = Counter(found), Counter(truth)
    right = sum(n for (group, true), n in together.items() if n == of_group[group] == of_truth[true])
    return right / max(1, len(truth))


def ours(messages: Sequence[str]) -> Sequence[Hashable]:
    return mine(messages)[1]


def drain3(messages: Sequence[str]) -> Sequence[Hashable]:
    miner = TemplateMiner()
    return [miner.add_log_message(message)["cluster_id"] for message in messages]


def timed(group: Grouping, messages: Sequence[str]) -> tuple[Sequence[Hashable], float]:
    start = time.process_time()
    found = group(messages)
    return found, time.process_time() - start


def collections(folder: Path | None, count: int) -> list[tuple[str, bool, list[str], list[str], list[Hashable]]]:
    """Name, held out, contents, whole lines where there are any, truth."""
    if folder is None:
        made = [(corpus, lines(corpus, count)) for corpus in CORPORA]
        return [
            (c.name, c.held_out, [x.content for x in found], [x.whole for x in found], [x.statement for x in found])
            for c, found in made
        ]
    result: list[tuple[str, bool, list[str], list[str], list[Hashable]]] = []
    for path in sorted(folder.rglob("*_structured.csv")):
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            rows = list(csv.DictReader(file))
        result.append(
            (
                path.name.removesuffix("_structured.csv"),
                False,
                [r["Content"] for r in rows],
                [],
                [r["EventId"] for r in rows],
            )
        )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--lines", type=int, default=2000, help="lines of each system (labelled collections have 2000)")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # drain3 says that it found no configuration file, which is what is wanted

    print(_ROW.format("system", "lines", "true", "ours", "groups", "drain3", "groups", "whole line"))
    sums: dict[str, list[float]] = {}
    spent = {"ours": 0.0, "drain3": 0.0}
    total = 0
    for name, held_out, contents, wholes, truth in collections(arguments.folder, arguments.lines):
        mined, own_seconds = timed(ours, contents)
        drained, their_seconds = timed(drain3, contents)
        whole = accuracy(ours([read_text(line).message for line in wholes]), truth) if wholes else float("nan")
        scores = (accuracy(mined, truth), accuracy(drained, truth), whole)
        shown = [f"{score:.3f}" for score in scores]
        groups = len(set(mined)), len(set(drained))
        name += " *" if held_out else ""
        print(_ROW.format(name, len(truth), len(set(truth)), shown[0], groups[0], shown[1], groups[1], shown[2]))
        for part in ("all", "held out *" if held_out else "looked at"):
            sums.setdefault(part, []).extend(scores)
        spent["ours"] += own_seconds
        spent["drain3"] += their_seconds
        total += len(truth)
    for part, values in sums.items():
        means = [sum(values[i::3]) / len(values[i::3]) for i in range(3)]
        shown = [f"{mean:.3f}" for mean in means]
        print(_ROW.format(f"mean, {part}", "", "", shown[0], "", shown[1], "", shown[2]))
    for name, seconds in spent.items():
        print(f"{name:8} {total / max(seconds, 1e-9):10,.0f} lines a second of processor time, on one core")


if __name__ == "__main__":
    main()
