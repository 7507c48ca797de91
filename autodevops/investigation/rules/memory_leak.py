"""MemoryLeak (K8S138, state): memory grows until the container is killed, and again.

What: a container that was OOMKilled in the window and whose working set grew steadily through a run of at least a
quarter of an hour, to at least one and a half of where it began; or, where nobody measures memory, one that was killed
more than once after runs of at least an hour. Killed soon after the start, or at a level it has always had, it only
has too low a limit: OOMKilled.

It goes on for as long after the last of several kills as a run lasts: until then nobody knows that it is over.

Why it matters: a higher limit buys time, and nothing else.

Example: `Memory of app in cart-x grew from 180 MiB to 502 MiB in 48 min before it was OOMKilled`

What to do: roll back if it is new; else take a heap profile near the end of a run, and restart it on schedule
meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise

import numpy as np

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture, PodMemory
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import containers, is_recent

_MIB = 2.0**20
_LONG = timedelta(hours=1)
_LEAST_SECONDS, _LEAST_GROWTH, _LEAST_STEADY = 900.0, 1.5, 0.9
_FALL = 0.6  # below this share of its predecessor a sample begins a new run


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    told: set[tuple[Subject, str]] = set()
    measured = {(one.pod, one.container): one for one in picture.pod_memory}
    for state in containers(picture):
        ended = state.terminated
        finished = parse_time(ended.get("finishedAt"))
        key = (state.subject, state.name)
        if ended.get("reason") != "OOMKilled" or key in told:
            continue
        if finished is not None and not picture.span.shows(finished):
            continue
        memory = measured.get((state.pod_name, state.name))
        grown = _growth(memory) if memory is not None else None
        began = parse_time(ended.get("startedAt"))
        lasted = finished - began if finished is not None and began is not None else timedelta()
        if grown is not None:
            low, high, seconds = grown
            lasted = max(lasted, timedelta(seconds=seconds))
            words, sure = f"grew from {low / _MIB:.0f} MiB to {high / _MIB:.0f} MiB in {seconds / 60:.0f} min", 0.9
        elif memory is None and state.restarts > 1 and lasted >= _LONG:
            words, sure = f"lasts for {lasted.total_seconds() / 3600:.1f} h, {state.restarts} times by now", 0.7
        else:
            continue
        told.add(key)
        again = finished is not None and state.restarts > 1 and picture.span.window.end - finished < lasted
        now = bool(state.waiting) or is_recent(finished, picture) or again
        yield RULE.finding(
            state.subject,
            f"Memory of {state.name} in {state.pod_name} {words} before it was OOMKilled.",
            severity="error" if now else "info",
            confidence=sure,
            evidence=(*picture.evidence_of("Pod"), *([memory.evidence] if memory else [])),
            onset=finished,
        )


def _growth(memory: PodMemory) -> tuple[float, float, float] | None:
    """First and last level and length of its longest run that grew steadily; None where none did."""
    good = np.isfinite(memory.values) & (memory.values > 0)
    times, values = memory.times[good], memory.values[good]
    starts = [0, *(np.flatnonzero(values[1:] < _FALL * values[:-1]) + 1), len(values)]
    best: tuple[float, float, float] | None = None
    for first, after in pairwise(starts):
        run, at = values[first:after], times[first:after]
        if len(run) < 5 or at[-1] - at[0] < _LEAST_SECONDS or run[-1] < _LEAST_GROWTH * run[0]:
            continue
        steady = float(np.corrcoef(at, run)[0, 1])
        if steady >= _LEAST_STEADY and (best is None or at[-1] - at[0] > best[2]):
            best = (float(run[0]), float(run[-1]), float(at[-1] - at[0]))
    return best


RULE = Rule("K8S138", "MemoryLeak", "state", _check, specificity=0.98, names_cause=True, documentation=__doc__)
