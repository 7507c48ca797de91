"""What the server itself reads: bundles of runs and the ledger. No system is asked from here."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from autodevops.kernel.errors import UsageError
from autodevops.kernel.exposition import exposed
from autodevops.portal.run_metrics import RunFigures
from autodevops.scarlet.learning.cases import Cases
from autodevops.settings import Settings
from autodevops.workbench import Workbench

if TYPE_CHECKING:
    from autodevops.jamie.health_report import HealthReport


class Sources:
    """May be called from several threads."""

    def __init__(self, settings: Settings, bench: Workbench) -> None:
        self._settings = settings
        self._bench = bench
        self._runs = RunFigures()
        self._health: HealthReport | None = None
        self._cases = Cases()
        self._reading = Lock()

    def report(self, run_id: str) -> tuple[str, bytes]:
        """A run's name for a file, and its report. Raises UsageError, StorageFailed."""
        from autodevops.runbooks.bundle import REPORT
        from autodevops.runbooks.lookup import find
        from autodevops.runbooks.storage_remote import open_bundles

        scarlet = self._settings.scarlet
        bundles = open_bundles(scarlet.artifacts, scarlet.staging)
        ref, run = find(bundles, run_id)
        if run.status == "running":
            raise UsageError(f"Run {run.id} is still running.", "Its report is there when it ends.")
        return f"{ref.runbook}-{ref.run_id}", bundles.read(ref, REPORT)

    def metrics(self) -> str:
        """Runs, Jamie's and Scarlet's health, over all processes that enter this ledger, as Prometheus reads it.

        Raises LedgerUnavailable.
        """
        from autodevops.jamie import exposition
        from autodevops.jamie.health_report import read_health
        from autodevops.scarlet.learning import exposition as of_scarlet

        with self._reading:
            self._runs.read(self._bench.ledger)
            self._health = read_health(self._bench.ledger, known=self._health)
            jamie = exposition.render(self._health)
            scarlet = of_scarlet.render(self._bench.scarlet_health(known=self._cases))
            return jamie + scarlet + exposed(self._runs.families())
