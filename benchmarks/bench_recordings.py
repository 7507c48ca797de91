"""Which reason the engine names for each recording of a real program that failed (tests/investigation/recordings).

    python benchmarks/bench_recordings.py [TEXT]

Prints the misses, how many have the right reason, and how many that or one of the same class. TEXT: only recordings
whose name holds it.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from investigation.recorded import CAUSES, reason_of, recordings


async def main(wanted: str) -> None:
    found: Counter[str] = Counter()
    for recording in recordings():
        if wanted not in recording["name"]:
            continue
        named, cause = await reason_of(recording), CAUSES[recording["cause"]]
        judged = "right" if named in cause["right"] else "of the class" if named in cause["class"] else "wrong"
        found[judged] += 1
        if judged != "right":
            print(f"{recording['name']:40} {recording['cause']:22} {named:24} {judged}")
    total = found.total()
    print(f"{total} recordings: right {found['right']} ({found['right'] / total:.2f}),"
          f" right or of the class {total - found['wrong']} ({1 - found['wrong'] / total:.2f})")  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else ""))
