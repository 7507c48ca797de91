"""Which scenarios are run, and which of them nobody looks at while rules are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from autodevops.kernel.errors import UsageError
from autodevops.sandbox.basics.hashing import number
from autodevops.sandbox.world.scenario import Scenario, load_scenario, shipped_scenarios

Half: TypeAlias = Literal["dev", "test"]


def half_of(name: str) -> Half:
    """A hash of the scenario's name decides: a new scenario moves no other one."""
    return "test" if number("half", name) % 2 else "dev"


def find_scenarios(names: Sequence[str], folder: Path | None, half: Half | None) -> tuple[Scenario, ...]:
    """The named ones (shipped, or paths), else those of `folder`, else all that are shipped; of `half` if given.

    Raises UsageError when there are none.
    """
    if names:
        found: Iterable[Scenario] = [load_scenario(name) for name in names]
    elif folder is not None:
        found = [load_scenario(path) for path in _files(folder)]
    else:
        found = shipped_scenarios()
    chosen = {one.name: one for one in found if half is None or half_of(one.name) == half}
    if not chosen:
        raise UsageError("There is no scenario to run.", "`autodevops sandbox list` shows those that are shipped.")
    return tuple(chosen[name] for name in sorted(chosen))


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder.", "Give the folder that holds the scenario files.")
    return sorted([*folder.glob("*.yaml"), *folder.glob("*/scenario.yaml")])
