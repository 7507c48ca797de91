"""What was changed in a namespace over any window: objects that were edited, and pull requests that were merged.

An investigation tells the changes of its own window, and edits only where it has somebody to suspect; a report of a
shift wants all of them. Rollouts are left to whoever reads revisions.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from autodevops.domain.change import Change
from autodevops.domain.investigation import MissingEvidence
from autodevops.domain.window import TimeWindow
from autodevops.investigation.gather.code import gather_code
from autodevops.investigation.gather.collect import Collector
from autodevops.investigation.gather.edits import gather_edits
from autodevops.investigation.gather.kubernetes import gather_cluster
from autodevops.investigation.picture import Picture
from autodevops.investigation.request import Span
from autodevops.investigation.timeline import list_changes
from autodevops.notebook import desk
from autodevops.runbooks.keeper import keeper_of_this_run
from autodevops.toolbox import Recorder

if TYPE_CHECKING:
    from autodevops.workbench import Workbench

__all__ = ["seen"]


def seen(namespace: str, window: TimeWindow) -> tuple[tuple[Change, ...], tuple[MissingEvidence, ...]]:
    """Edits and merges within the window, oldest first, and the queries that had no answer."""
    return desk.with_bench(_seen, namespace, window)


async def _seen(
    bench: Workbench, namespace: str, window: TimeWindow
) -> tuple[tuple[Change, ...], tuple[MissingEvidence, ...]]:
    collector, span = Collector(Recorder(bench.tools, keeper=keeper_of_this_run())), Span.of(window)

    async def edited() -> Picture:
        inventory, listed, _ = await gather_cluster(collector, namespace)
        picture = Picture(span=span, inventory=inventory, listed=listed)
        return picture.having(edits=await gather_edits(collector, picture))

    picture, (commits, pulls) = await asyncio.gather(edited(), gather_code(collector, span))
    found = list_changes(picture.having(commits=commits, pulls=pulls))
    return tuple(one for one in found if window.contains(one.at)), collector.missing
