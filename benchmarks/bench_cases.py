"""Runs public cases with known truth through the engine, with one fixed configuration. Prints figures, judges nothing.

Usage: python benchmarks/bench_cases.py PATH [nab] [opensre/eks] [opensre/rds_postgres] [petshop] [rootcausebench]

PATH is the folder that holds the cases, one folder for each collection. The data stays where it is; nothing of it
belongs in this repository.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

import cases_nab
import cases_opensre_eks
import cases_opensre_rds
import cases_petshop
import cases_rootcausebench

from autodevops.kernel.clock import monotonic_ms

ADAPTERS: Mapping[str, Callable[[Path], list[str]]] = {
    "nab": cases_nab.run,
    "opensre/eks": cases_opensre_eks.run,
    "opensre/rds_postgres": cases_opensre_rds.run,
    "petshop": cases_petshop.run,
    "rootcausebench": cases_rootcausebench.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("collections", nargs="*", metavar="collection", help=f"of {', '.join(ADAPTERS)}; default: all")
    arguments = parser.parse_args()
    if unknown := [one for one in arguments.collections if one not in ADAPTERS]:
        parser.error(f"there is no adapter for {', '.join(unknown)}")
    for name in arguments.collections or ADAPTERS:
        folder = arguments.path / name
        if not folder.is_dir():
            parser.error(f"{folder} is no folder")
        start = monotonic_ms()
        for line in ADAPTERS[name](folder):
            print(f"{name:12} {line}")
        print(f"{name:12} {(monotonic_ms() - start) / 1000:.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
