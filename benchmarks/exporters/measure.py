"""What the engine makes of recordings: `python benchmarks/exporters/measure.py RECORDINGS [--namespace shop]`."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import yaml
from recorded import ask, read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("worlds", nargs="*")
    parser.add_argument("--namespace", default="")
    parser.add_argument("--window", type=int, default=6, help="minutes")
    parser.add_argument("--all", action="store_true", help="print findings and summary, too")
    arguments = parser.parse_intermixed_args()
    truths = yaml.safe_load((Path(__file__).parent / "worlds.yaml").read_text())
    for name, truth in truths.items():
        path = next(arguments.recordings.glob(f"{name}/recording.json"), None) or next(
            arguments.recordings.glob(f"{name}.json.gz"), None
        )
        if path is None or (arguments.worlds and name not in arguments.worlds):
            continue
        try:
            result = asyncio.run(ask(read(path), namespace=arguments.namespace, minutes=arguments.window))
        except Exception as error:  # noqa: BLE001  one world that fails is a result too
            print(f"{name:20} failed {type(error).__name__}: {error}", flush=True)
            continue
        ranked = "; ".join(f"{h.reason} {h.subject.name} {h.confidence:.2f}" for h in result.hypotheses[:3])
        print(f"{name:20} {truth.get('subject', 'well'):10} | {result.verdict:12} {ranked}", flush=True)
        if arguments.all:
            print("   ", result.summary)
            for finding in result.findings:
                print("   ", finding.severity, finding.reason, finding.message)


if __name__ == "__main__":
    main()
