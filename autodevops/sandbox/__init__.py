"""The sandbox: a small world with incidents in it, served over the vendors' own wire formats on loopback.

It is an honest outside world: nothing in it knows what asks, and nothing that asks knows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autodevops.sandbox.serve import Sandbox, run
    from autodevops.sandbox.world.scenario import Scenario, Truth

__all__ = ["Sandbox", "Scenario", "Truth", "run", "scenarios"]


def scenarios() -> tuple[Scenario, ...]:
    """Every scenario that comes with the package; each has name, title, summary and truth."""
    from autodevops.sandbox.world.scenario import shipped_scenarios

    return shipped_scenarios()


def __getattr__(name: str) -> object:
    """Import on first use: the world brings numpy, and most importers only want a name."""
    if name in ("Sandbox", "run"):
        from autodevops.sandbox import serve

        return getattr(serve, name)
    if name in ("Scenario", "Truth"):
        from autodevops.sandbox.world import scenario

        return getattr(scenario, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
