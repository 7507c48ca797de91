"""Recordings small enough to keep: `python benchmarks/exporters/thin.py RECORDINGS OUT [WORLD ...]`.

Of each recording the series that the engine's questions name, a sample every 15 s and the last one of each series. What
was asked stays what real exporters said; a metric that a later rule wants has to be recorded anew.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from recorded import RecordedSite, read

from autodevops.domain.window import TimeWindow
from autodevops.investigation import Request, investigate
from autodevops.toolbox.recorder import Recorder

EVERY_SECONDS = 15
BEFORE_SECONDS = 480  # of baseline
_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def asked(recording: dict[str, Any]) -> set[str]:
    """Every word in the engine's questions, with and without a namespace."""
    words: set[str] = set()
    end = datetime.fromtimestamp(int(recording["end"]), UTC)
    for namespace in ("", "shop"):
        site = RecordedSite(recording, namespace)
        request = Request(namespace=namespace, window=TimeWindow.ending(end, timedelta(minutes=6)))
        asyncio.run(investigate(request, Recorder(site, clock=lambda: end)))
        words.update(word for query in site.queries for word in _WORD.findall(query))
    return words


def thin(recording: dict[str, Any]) -> dict[str, Any]:
    words, start = asked(recording), recording["fault"] - BEFORE_SECONDS
    kept = []
    for one in recording["series"]:
        values = [pair for pair in one["values"] if pair[0] >= start]
        if any("/tmp/" in value for value in one["metric"].values()):
            continue  # another world's file system, seen by this one's node exporter
        if not values or (one["metric"]["__name__"] not in words and one["metric"]["__name__"] != "up"):
            continue
        samples, next_at = [], 0.0
        for at, value in values:
            if at >= next_at or at == values[-1][0]:
                samples.append([round(at, 1), value])
                next_at = at + EVERY_SECONDS - 1
        kept.append({"metric": one["metric"], "values": samples})
    return {"end": recording["end"], "fault": recording["fault"], "alerts": recording["alerts"], "series": kept}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("worlds", nargs="*")
    arguments = parser.parse_intermixed_args()
    for path in sorted(arguments.recordings.glob("*/recording.json")):
        if not arguments.worlds or path.parent.name in arguments.worlds:
            text = json.dumps(thin(read(path)), separators=(",", ":"))
            (arguments.out / f"{path.parent.name}.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
