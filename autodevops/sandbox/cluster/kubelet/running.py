"""A container while it runs: its hooks, its probes, and how it is stopped."""

from __future__ import annotations

import heapq
import math
import re

from autodevops.sandbox.cluster.kubelet.box import Box, Place
from autodevops.sandbox.cluster.kubelet.containers import ended
from autodevops.sandbox.cluster.kubelet.probes import KINDS, complaints, flips
from autodevops.sandbox.cluster.store import Json

_SLEEP = re.compile(r"\s*sleep\s+(\d+(?:\.\d+)?)\s*")
_FIRST = (0.05, 0.9)  # seconds, least and most, until a prober asks for the first time


def begin(place: Place, box: Box, now: float) -> None:
    """It has just been started: run its hook and set its probes going."""
    handler = (box.spec.get("lifecycle") or {}).get("postStart")
    if handler and box.run and place.surroundings.hook(box.run, handler):
        place.recorder.warning(place.pod, "FailedPostStartHook", "PostStartHook failed", box.field_path)
        place.recorder.normal(place.pod, "Killing", "FailedPostStartHook", box.field_path)
        stop(place, box, now, grace_of(place.pod))
        return
    watch(place, box, now)


def watch(place: Place, box: Box, now: float) -> None:
    """Set its probes going from `now` on; after a kubelet's absence what was known before still holds."""
    box.agenda.clear()
    if box.init and not box.sidecar:
        box.started = True
        return  # ready is what it is once it has done its work
    opened = now
    if (probe := box.spec.get("startupProbe")) and not box.started:
        opened = _watch_one(place, box, "startupProbe", probe, now, None)
    else:
        box.started = True
    if opened == math.inf:
        return
    if probe := box.spec.get("readinessProbe"):
        _watch_one(place, box, "readinessProbe", probe, opened, box.ready)
    elif opened == now:
        box.ready = True
    else:
        box.later(opened, "ready", True)
    if probe := box.spec.get("livenessProbe"):
        _watch_one(place, box, "livenessProbe", probe, opened, True)


def _watch_one(place: Place, box: Box, kind: str, probe: Json, opened: float, state: bool | None) -> float:
    """Plan what one probe brings. Returns when a startup probe has succeeded (never: infinite)."""
    assert box.run is not None
    answers = place.surroundings.answers(box.run, probe)
    first = max(box.began + float(probe.get("initialDelaySeconds") or 0), opened)
    first += place.wait(*_FIRST, box.name, kind, box.attempt)
    course = flips(probe, answers, box.began, first, state)
    until = passed = math.inf
    if kind == "readinessProbe":
        for moment, good in course:
            box.later(moment, "ready", good)
    elif kind == "startupProbe" and course:
        until, good = course[0]
        passed = until if good else math.inf
        box.later(until, *(("started", None) if good else ("kill", "startup")))
    elif kind == "livenessProbe" and course:
        until = course[0][0]
        box.later(until, "kill", "liveness")
    told = complaints(probe, answers, box.began, first, until)
    _tell_next(box, kind, told)
    return passed


def _tell_next(box: Box, kind: str, told: object) -> None:
    moment, failure, times = next(told, (math.inf, "", 0))  # type: ignore[call-overload]
    if moment < math.inf:
        # Before the kill of the same moment, which was put on the agenda earlier.
        heapq.heappush(box.agenda, (moment, -1 - next(box.numbers), "unhealthy", (kind, failure, times, told)))


def act(place: Place, box: Box, now: float) -> None:
    """Do what its agenda has for this moment."""
    _, _, what, more = heapq.heappop(box.agenda)
    match what:
        case "unhealthy":
            kind, failure, times, told = more
            message = f"{KINDS[kind]} probe failed: {failure}"
            place.recorder.warning(place.pod, "Unhealthy", message, box.field_path, times)
            _tell_next(box, kind, told)
        case "started":
            box.started = True
        case "ready":
            box.ready = bool(more)
        case "kill":
            told = f"Container {box.name} failed {more} probe, will be restarted"
            place.recorder.normal(place.pod, "Killing", told, box.field_path)
            probe, box.forced = box.spec.get(f"{more}Probe") or {}, True
            stop(place, box, now, float(probe.get("terminationGracePeriodSeconds") or grace_of(place.pod)))


def stop(place: Place, box: Box, now: float, grace: float, abrupt: bool = False) -> None:
    """Ask it to end; it is killed when `grace` is over. `abrupt`: it gets no signal it could follow."""
    if box.step == "stopping":
        if now + grace < box.due:
            box.end = (now + grace, 137, "Error", "")
            box.due = box.end[0]
        return
    box.agenda = [one for one in box.agenda if one[2] == "ready" and one[3] is False] if not abrupt else []
    heapq.heapify(box.agenda)
    hook = 0.0 if abrupt else _hook_time(place, box)
    program = box.program
    end = (now + grace, 137, "Error", "")
    if not abrupt and program.stops is not None and hook + program.stops <= grace:
        code = program.stop_code
        end = (now + hook + program.stops, code, "Completed" if code == 0 else "Error", "")
    if box.end[0] > end[0]:
        box.end = end
    box.step, box.due = "stopping", box.end[0]


def finish(place: Place, box: Box) -> None:
    """Its end has come."""
    at, code, reason, message = box.end
    ended(place, box, at, code, reason, message)


def grace_of(pod: Json) -> float:
    """Seconds its containers have to end: the deletion's, or the pod's own."""
    marked = pod["metadata"].get("deletionGracePeriodSeconds")
    own = pod["spec"].get("terminationGracePeriodSeconds")
    return float(marked if marked is not None else 30 if own is None else own)


def _hook_time(place: Place, box: Box) -> float:
    """Seconds its preStop hook takes."""
    handler = (box.spec.get("lifecycle") or {}).get("preStop")
    if not handler or box.run is None:
        return 0.0
    if place.surroundings.hook(box.run, handler):
        place.recorder.warning(place.pod, "FailedPreStopHook", "PreStopHook failed", box.field_path)
        return 0.0
    if "sleep" in handler:
        return float(handler["sleep"].get("seconds") or 0)
    command = [str(word) for word in (handler.get("exec") or {}).get("command") or ()]
    for text in (" ".join(command), command[-1] if command else ""):
        if match := _SLEEP.fullmatch(text):
            return float(match[1])
    return 0.1
