"""Scarlet runs runbooks when they are due, and keeps what each run left behind.

- `schedule` reads `scheduled/*.yaml`; `slots` says which occurrences there are and what becomes of each;
- `events` finds alerts and deploys, `hooks` hears webhooks, `facts` makes parameters of what they say;
- `book` keeps slots in the ledger, `scheduler` decides and starts them, `tell` says how they ended;
- `watching` sees what is the case and what of it is news;
- `agent` is the daemon: APScheduler says when to look, a stop reaches every kernel.
"""

from autodevops.domain.run import Run
from autodevops.runbooks.bundle import RunRecord
from autodevops.scarlet.agent import Scarlet
from autodevops.scarlet.schedule import Schedule, load_schedules

__all__ = ["Run", "RunRecord", "Scarlet", "Schedule", "load_schedules"]
