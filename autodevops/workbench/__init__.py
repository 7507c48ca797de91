"""The composition root: settings in, a working bench out. The only room that knows everybody.

It builds the MCP servers from settings, connects the toolbox to them in memory, wraps it (`toolbox.stack`), and hands
it to the agents. Surfaces (CLI, notebook) call a `Workbench` and nothing below it. Each file is one of its jobs, on top
of the one before: `bench` connects, `runs` runs runbooks, `changes` has the executor, `answers` has Jamie, `scarlet`
has Scarlet.
"""

from autodevops.workbench.answers import memory_keeper
from autodevops.workbench.doctor import Check
from autodevops.workbench.scarlet import NO_CLUSTER, Workbench

__all__ = ["NO_CLUSTER", "Check", "Workbench", "memory_keeper"]
