"""`logs.query(logql)`: lines of logs as a table by time, and LogQL metrics as series.

Lines and labels are as they were written, by whoever could write them: they are data and shown as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from autodevops.domain.logs import LogRecord
from autodevops.domain.tool_results import LogResult
from autodevops.notebook import desk
from autodevops.notebook.metrics import series_table
from autodevops.notebook.query_errors import showing_the_place

if TYPE_CHECKING:
    import pandas as pd

    from autodevops.notebook.table import Table
    from autodevops.notebook.times import Moment, When

__all__ = ["query", "range"]

_OURS = ("severity", "body", "trace_id")


def query(
    logql: str,
    window: When | None = None,
    *,
    start: Moment = None,
    end: Moment = None,
    limit: int | None = None,
    direction: Literal["forward", "backward"] | None = None,
) -> Table:
    """The lines that LogQL selects, oldest first; of more than `limit` the newest (`direction="forward"`: the oldest).

    A column for each label, after severity, body and trace id.
    """
    from autodevops.notebook.table import table

    arguments = desk.windowed(window, start, end, query=logql, limit=limit, direction=direction)
    with showing_the_place(logql, "LogQL"):
        evidence = desk.ask("loki.query_logs", arguments)
    return table(log_frame(LogResult.model_validate(evidence.data).records), evidence, draws="logs")


def range(
    logql: str,
    window: When | None = None,
    *,
    start: Moment = None,
    end: Moment = None,
    step: float | None = None,
) -> Table:
    """A LogQL metric such as `sum by (app) (rate({namespace="shop"} |= "error" [1m]))` over a window."""
    arguments = desk.windowed(window, start, end, query=logql, step_seconds=step)
    return series_table("loki.query_log_metrics", arguments, "LogQL")


def log_frame(records: Sequence[LogRecord]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {
            **{name: getattr(one, name) for name in _OURS},
            **{
                f"label_{key}" if key in _OURS else key: value
                for key, value in one.attributes.items()
                if not (key in _OURS and value == getattr(one, key))
            },
        }
        for one in records
    ]
    index = pd.DatetimeIndex(pd.to_datetime([one.timestamp for one in records], utc=True), name="time")
    columns = list(dict.fromkeys([*_OURS, *(name for row in rows for name in row)]))
    return pd.DataFrame(rows, index=index, columns=columns).sort_index(kind="stable")
