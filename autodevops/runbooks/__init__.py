"""Runbooks: notebooks with declared parameters, run through Papermill into bundles that can be trusted as records.

- `catalogue` finds and reads them, `parameters` says what they accept;
- `engine` is what Papermill sees, `execution` runs one notebook and writes true statuses;
- `bundle` keeps what a run left behind;
- `runner` puts these together, `reconcile` tells the truth about runs whose runner died;
- `report` makes the static page, `render` the tables and charts that runbooks show.
"""

from autodevops.runbooks.bundle import RunRecord
from autodevops.runbooks.catalogue import Catalogue, Runbook, load_runbook
from autodevops.runbooks.parameters import Parameter, resolve
from autodevops.runbooks.reconcile import reconcile
from autodevops.runbooks.runner import RunRequest, run_runbook
from autodevops.runbooks.stop import StopSignal

__all__ = [
    "Catalogue",
    "Parameter",
    "RunRecord",
    "RunRequest",
    "Runbook",
    "StopSignal",
    "load_runbook",
    "reconcile",
    "resolve",
    "run_runbook",
]
