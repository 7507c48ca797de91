"""When a CronJob's schedule is due: cron's five fields, `@daily` and the like, `@every 1h30m`; in a time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from autodevops.sandbox.basics.moments import parse_duration

_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True)
class Schedule:
    """Moments (epoch s) at which something is due. `every` (s) is set for `@every`, else `fields` counts."""

    fields: str
    zone: ZoneInfo
    every: float = 0.0

    def following(self, after: float) -> float:
        """The first moment due after one; infinity when there is none (30 February)."""
        if self.every:
            return after + self.every
        return next(CronSim(self.fields, datetime.fromtimestamp(after, self.zone)), _NEVER).timestamp()

    def latest(self, since: float, until: float) -> float | None:
        """The last moment due in (since, until]."""
        if self.every:
            count = int((until - since) // self.every)
            return since + count * self.every if count > 0 else None
        before = datetime.fromtimestamp(int(until) + 1, self.zone)
        found = next(CronSim(self.fields, before, reverse=True), None)
        return found.timestamp() if found is not None and found.timestamp() > since else None

    def missed(self, since: float, until: float, most: int) -> int:
        """How many moments are due in (since, until], counted up to `most`."""
        count, moment = 0, self.following(since)
        while moment <= until and count < most:
            count, moment = count + 1, self.following(moment)
        return count


_NEVER = datetime.fromisoformat("9999-12-31T00:00:00+00:00")


def parse_schedule(text: str, zone: str) -> Schedule:
    """Raises ValueError for a schedule, KeyError or ValueError's kin `ZoneInfoNotFoundError` for a zone, not known."""
    where = ZoneInfo(zone or "UTC")
    if text.startswith("@every "):
        seconds = parse_duration(text.removeprefix("@every ").strip())
        if not isinstance(seconds, float) or seconds < 1.0:
            raise ValueError(f"failed to parse duration {text}")
        return Schedule("", where, float(int(seconds)))
    if text.startswith("@") and text not in _NAMED:
        raise ValueError(f"unrecognized descriptor: {text}")
    fields = _NAMED.get(text, text).replace("?", "*")
    if len(fields.split()) != 5:
        raise ValueError(f"expected exactly 5 fields, found {len(fields.split())}: {fields.split()}")
    try:
        CronSim(fields, datetime.fromtimestamp(0.0, where))
    except CronSimError as error:
        raise ValueError(str(error)) from error
    return Schedule(fields, where)
