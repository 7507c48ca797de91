"""`tools.call("server.tool", ...)`: any tool of any configured server, for what has no call of its own.

Tools that change something are refused here as everywhere but in the executor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from autodevops.domain.base import Json
from autodevops.kernel.errors import UsageError
from autodevops.notebook import desk

if TYPE_CHECKING:
    import pandas as pd

    from autodevops.notebook.table import Table

__all__ = ["call", "close", "compare"]


def call(tool: str, arguments: Mapping[str, Json] | None = None, /, **more: Json) -> Table:
    """Call a tool; its answer as a table where it is a list of things, else a row for each field.

    Arguments are given by name, or in a dictionary when a name is no Python name. Raises ToolError.
    """
    from autodevops.notebook.table import table

    evidence = desk.ask(tool, {**(arguments or {}), **more})
    return table(_frame(evidence.data), evidence)


def compare(then: Iterable[tuple[Table, str]]) -> pd.DataFrame:
    """Whether tables are what they were: each with the digest its answer had.

    The present changes: lists of objects and alerts may differ, what is about a past window should not.
    """
    import pandas as pd

    rows = []
    for found, digest in then:
        evidence = getattr(found, "evidence", None)
        if evidence is None:
            raise UsageError("One of the tables is no answer of a tool.", "Give what metrics, logs, ... returned.")
        rows.append(
            {
                "evidence": str(evidence.id),
                "tool": evidence.tool,
                "query": evidence.query,
                "same": evidence.digest == digest,
                "then": digest.removeprefix("sha256:")[:12],
                "now": evidence.digest.removeprefix("sha256:")[:12],
            }
        )
    columns = ["evidence", "tool", "query", "same", "then", "now"]
    return pd.DataFrame(rows, columns=columns).set_index("evidence")


def close() -> None:
    """Close this process's connection; the next call opens another with the settings as they are then."""
    desk.close()


def _frame(data: Json) -> pd.DataFrame:
    import pandas as pd

    from autodevops.notebook.table import flat

    if isinstance(data, dict):
        lists = [value for value in data.values() if isinstance(value, list)]
        things = next((value for value in lists if value and all(isinstance(item, dict) for item in value)), None)
        if things is not None:
            return pd.DataFrame(things)
        if lists and all(not isinstance(value, dict) for value in data.values()):
            return pd.DataFrame({"value": pd.Series(lists[0], dtype="object")})
    return flat(data)
