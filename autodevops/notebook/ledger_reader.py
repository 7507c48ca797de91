"""`ledger` in a notebook: what was done, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autodevops.settings import load_settings

if TYPE_CHECKING:
    import pandas as pd


class LedgerReader:
    """The ledger that the settings name: `ledger.sql("select kind, count(*) from events group by kind")`."""

    def sql(self, query: str) -> pd.DataFrame:
        """What DuckDB answers over the tables `events` and `state`, as a DataFrame; times are in UTC.

        Raises UsageError for a query that is wrong, and LedgerUnavailable when there is no ledger yet.
        """
        from autodevops.stores.sqlite_ledger import open_ledger

        with open_ledger(load_settings().ledger, read_only=True) as opened:
            return opened.sql(query)


ledger = LedgerReader()
