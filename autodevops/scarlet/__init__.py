"""Scarlet, thin: she runs runbooks on schedule and keeps what each run left behind.

- `schedule` reads `scheduled/*.yaml`, `cron` gives cron expressions their usual meaning;
- `agent` is the daemon: APScheduler fires, the queue runs, a stop reaches every kernel.
"""

from autodevops.domain.run import Run
from autodevops.runbooks.bundle import RunRecord
from autodevops.scarlet.agent import Scarlet
from autodevops.scarlet.schedule import Schedule, load_schedules

__all__ = ["Run", "RunRecord", "Scarlet", "Schedule", "load_schedules"]
