"""The error lines of a namespace by pattern: what is written now, how often, since when, and whether it is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autodevops.analysis.log_templates import TemplateGroup, group
from autodevops.domain.logs import LogRecord
from autodevops.domain.window import TimeWindow
from autodevops.investigation.gather.collect import Collector
from autodevops.investigation.gather.logs import gather_logs
from autodevops.investigation.inventory import Inventory
from autodevops.investigation.picture import SeenLog
from autodevops.investigation.request import Span
from autodevops.notebook import desk
from autodevops.notebook.requests import Source

if TYPE_CHECKING:
    import pandas as pd

    from autodevops.workbench import Workbench

__all__ = ["frame", "patterns"]


def patterns(namespace: str, window: TimeWindow) -> tuple[TemplateGroup, ...]:
    """The error patterns of a window by workload, most frequent first, each counted in as long a time before too.

    Of very many lines a sample is read, from both ends of the window. Raises ToolError.
    """
    now, before = desk.with_bench(_seen, namespace, window)
    return group(_sourced(now), _sourced(before))


def frame(groups: tuple[TemplateGroup, ...]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {
            "workload": one.source,
            "pattern": one.template,
            "lines": one.count,
            "before": one.before,
            "first (UTC)": f"{one.first_at:%H:%M:%S}",
            "last (UTC)": f"{one.last_at:%H:%M:%S}",
            "kind": one.category,
            "exception": one.exception,
        }
        for one in groups
    ]
    columns = ["workload", "pattern", "lines", "before", "first (UTC)", "last (UTC)", "kind", "exception"]
    return pd.DataFrame(rows, columns=columns)


def _sourced(logs: tuple[SeenLog, ...]) -> list[tuple[str, LogRecord]]:
    return [(log.subject.name if log.subject else "", log.record) for log in logs]


async def _seen(
    bench: Workbench, namespace: str, window: TimeWindow
) -> tuple[tuple[SeenLog, ...], tuple[SeenLog, ...]]:
    logs, before, _ = await gather_logs(Collector(Source(bench)), Inventory(namespace), Span.of(window))
    return logs, before
