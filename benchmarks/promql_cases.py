"""Runs public PromQL evaluations (promqltest notation, as JSON) through the sandbox's engine: passed/total.

Usage: python benchmarks/promql_cases.py CASES.json [--verbose]

The file is a list of {"load": [...], "cmd": "eval ...", "expect": [...]}. It stays where it is; nothing of it belongs
in this repository.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from autodevops.sandbox.promql.script import check, load
from autodevops.sandbox.promql.values import Dialect


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--verbose", action="store_true", help="say what is wrong with each failed case")
    arguments = parser.parse_args()
    passed: Counter[str] = Counter()
    total: Counter[str] = Counter()
    dialect = Dialect(delayed_name_removal=True)  # as Prometheus' own test engine is set
    for case in json.loads(arguments.cases.read_text()):
        complaint = check(case["cmd"], case["expect"][1:], load(case["load"]), dialect)
        total[case["file"]] += 1
        passed[case["file"]] += not complaint
        if complaint and arguments.verbose:
            print(f"{case['file']}: {case['cmd']}\n    {complaint}")
    for name in total:
        print(f"{name:32} {passed[name]:4}/{total[name]}")
    print(f"{'all':32} {sum(passed.values()):4}/{sum(total.values())}")
    return 0 if passed == total else 1


if __name__ == "__main__":
    raise SystemExit(main())
