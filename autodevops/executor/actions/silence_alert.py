"""Silence an alert: nobody is notified of it for a bounded time; it goes on firing.

For planned work, or an incident that is in hand. Every label is matched exactly, the alert's name among them, and no
silence is longer than a shift. It mends nothing, and counts as no remedy. Undo ends the silence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from autodevops.domain.action import SilenceAlert
from autodevops.domain.base import Json
from autodevops.domain.decision import Refusal
from autodevops.domain.plan import BlastRadius, PreState
from autodevops.executor.fields import refusal
from autodevops.executor.notes import Data, NoteKind
from autodevops.toolbox.protocol import Tools

MOST_ALERTS = 10  # at once; a wider silence hides what nobody thought of


class SilenceAlertKind(NoteKind[SilenceAlert]):
    noun = SilenceAlert
    tool = "prometheus.create_silence"
    takes_back = "prometheus.expire_silence"
    undo_words = "The silence is ended."

    async def survey(self, tools: Tools, action: SilenceAlert, now: datetime) -> PreState:
        data = (await tools.call(self.tool, {**self.arguments(action), "dry_run": True})).data
        alerts = data.get("alerts") if isinstance(data, dict) else None
        return PreState(taken_at=now, bound={}, saved={"alerts": alerts})

    def blast(self, action: SilenceAlert, pre: PreState) -> BlastRadius:
        namespace = action.labels.get("namespace")
        return BlastRadius(namespaces=(namespace,) if namespace else ())

    def preconditions(self, action: SilenceAlert, pre: PreState) -> tuple[Refusal, ...]:
        return tuple(_objections(action, pre))

    def arguments(self, action: SilenceAlert) -> dict[str, Json]:
        return {
            "matchers": _matchers(action),
            "duration_minutes": action.minutes,
            "created_by": "autodevops",
            "comment": action.reason,
        }

    def words(self, action: SilenceAlert, data: Data) -> str:
        muted = "; ".join(map(str, data.get("alerts") or ())) or "none that fires now"
        return f"A silence of {action.minutes} minutes for {_matchers(action)}. It mutes: {muted}."

    def back(self, action: SilenceAlert, data: Data) -> dict[str, Json]:
        return {"silence_id": data["silence"]["silence_id"]}

    def ended(self, data: Data) -> bool:
        return bool(data["silence"]["state"] == "expired")


def _objections(action: SilenceAlert, pre: PreState) -> Iterable[Refusal]:
    if action.labels.get("alertname", action.alert) != action.alert:
        yield refusal(f"The labels are of another alert than {action.alert}.", "Leave alertname out of them.")
    alerts = pre.saved.get("alerts")
    if not alerts:
        yield refusal(f"No alert {_matchers(action)} fires now.", "Silence what fires, by its own labels.")
    elif isinstance(alerts, list) and len(alerts) > MOST_ALERTS:
        yield refusal(
            f"It would mute {len(alerts)} alerts at once; {MOST_ALERTS} are allowed.",
            "Give more labels, such as service.",
        )


def _matchers(action: SilenceAlert) -> str:
    labels = {"alertname": action.alert, **action.labels}
    told = ",".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in sorted(labels.items()))
    return f"{{{told}}}"
