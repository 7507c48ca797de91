"""Runbooks: notebooks with declared parameters, run through Papermill into bundles that can be trusted as records.

- `catalogue` finds and reads them, `parameters` says what they accept;
- `engine` is what Papermill sees, `execution` runs one notebook with true statuses, `record` keeps them on disk,
  `kernels` gives it a kernel, `gates` asks before a cell that does something;
- `secrets` fetches what a runbook needs, `masking` takes it out of all that leaves a run;
- `bundle` keeps what a run left behind, `entries` tells the ledger;
- `runner` puts these together, `queue` lets runs wait for their turn, `progress` says how they are getting on;
- `reconcile` tells the truth about runs whose runner died;
- `report` makes the static page, `render` the tables and charts that runbooks show.
"""

from autodevops.runbooks.bundle import RunRecord
from autodevops.runbooks.catalogue import Catalogue, Runbook, load_runbook
from autodevops.runbooks.gates import AnsweringGate, CellRequest, DenyingGate, Gate, GateAnswer
from autodevops.runbooks.kernels import KernelPool
from autodevops.runbooks.parameters import Parameter, resolve
from autodevops.runbooks.queue import RunHandle, RunQueue
from autodevops.runbooks.reconcile import reconcile
from autodevops.runbooks.runner import Means, RunRequest, perform, run_runbook
from autodevops.runbooks.secrets import Places
from autodevops.runbooks.stop import StopSignal

__all__ = [
    "AnsweringGate",
    "Catalogue",
    "CellRequest",
    "DenyingGate",
    "Gate",
    "GateAnswer",
    "KernelPool",
    "Means",
    "Parameter",
    "Places",
    "RunHandle",
    "RunQueue",
    "RunRecord",
    "RunRequest",
    "Runbook",
    "StopSignal",
    "load_runbook",
    "perform",
    "reconcile",
    "resolve",
    "run_runbook",
]
