"""One pod on its node: volumes, sandbox, the containers' turns, its end. Its containers are `containers.py`'s business.

A `Life` is what the kubelet remembers of a pod. `step` does all that is due and writes the status when it has become
another; `next_moment` says when there is something to do again, which for a pod that is settled is never.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from autodevops.sandbox.basics.moments import parse_rfc3339
from autodevops.sandbox.cluster.kubelet import containers, running
from autodevops.sandbox.cluster.kubelet.box import Box, Place
from autodevops.sandbox.cluster.kubelet.eviction import rejection
from autodevops.sandbox.cluster.kubelet.status import Verdict, pod_status
from autodevops.sandbox.cluster.kubelet.volumes import attached, obstacle
from autodevops.sandbox.cluster.recorder import Recorder
from autodevops.sandbox.cluster.store import Json, Key

_MOUNT_AGAIN, _SLOWEST = 0.5, 122.0  # seconds until a failed mount is tried again, doubling
_QUIET = 600.0  # most seconds between two writes about a mount that goes on failing
_PATIENCE = 123.0  # seconds after which the kubelet complains that volumes are not there
_LEAST_GRACE = 2.0  # seconds containers have when the kubelet is in a hurry


@dataclass(slots=True)
class Life:
    """What the kubelet remembers of a pod."""

    key: Key
    uid: str
    boxes: list[Box]
    ips: dict[str, str]
    stage: Literal["new", "mounting", "sandbox", "up", "ending", "over"] = "new"
    due: float = 0.0
    seen: float = 0.0
    deadline: float = math.inf
    verdict: Verdict | None = None
    lacks: Key | None = None
    pause: float = 0.0
    turn: float = math.inf
    """When the next container may be started."""
    sandbox: bool = False


def born(key: Key, pod: Json, host_ip: str, now: float) -> Life:
    """The kubelet hears of a pod for the first time."""
    spec = pod["spec"]
    inits = spec.get("initContainers") or ()
    state = {"waiting": {"reason": "PodInitializing" if inits else "ContainerCreating"}}
    boxes = [Box(one, state, init=True, sidecar=one.get("restartPolicy") == "Always") for one in inits]
    boxes += [Box(one, state) for one in spec["containers"]]
    life = Life(key, pod["metadata"]["uid"], boxes, {"hostIP": host_ip}, due=now, seen=now)
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        life.stage, life.due, life.boxes = "over", math.inf, []
    if (seconds := spec.get("activeDeadlineSeconds")) is not None:
        life.deadline = now + float(seconds)
    return life


def next_moment(life: Life) -> float:
    """When there is something to do; infinite for a pod that is settled."""
    if life.stage == "over":
        return math.inf
    boxes = min((box.next for box in life.boxes), default=math.inf)
    deadline = life.deadline if life.stage != "ending" else math.inf
    return min(life.due, life.turn, boxes, deadline)


def step(place: Place, life: Life, now: float, address: Callable[[], str]) -> None:
    """Do all that is due. `address` gives the pod an IP."""
    pod = place.pod
    if life.stage == "over":
        return
    if pod["metadata"].get("deletionTimestamp"):
        end(place, life, now, running.grace_of(pod))
    elif life.deadline <= now and life.stage != "ending":
        message = "Pod was active on the node longer than the specified deadline"
        place.recorder.normal(pod, "DeadlineExceeded", message)
        condemn(place, life, now, Verdict("DeadlineExceeded", message), running.grace_of(pod))
    else:
        _compare(place, life, now)
    _prepare(place, life, now, address)
    while box := min((one for one in life.boxes if one.next <= now), key=lambda one: one.next, default=None):
        _act(place, box, now)
        if life.stage == "ending" and box.step == "idle":
            _give_up(box)
    _turns(place, life, now)
    _close(place, life, now)
    write(place, life, now)


def write(place: Place, life: Life, now: float) -> None:
    """Write the status when it has become another."""
    pod = place.pod
    status = pod_status(pod, life.boxes, life.ips, life.sandbox, life.verdict, now)
    if status != pod.get("status"):
        place.store.update({**pod, "metadata": {**pod["metadata"]}, "status": status})


def condemn(place: Place, life: Life, now: float, verdict: Verdict, grace: float) -> None:
    """The kubelet makes the pod fail."""
    life.verdict = verdict
    end(place, life, now, max(grace, _LEAST_GRACE))


def end(place: Place, life: Life, now: float, grace: float) -> None:
    """Stop the containers; sidecars follow when the others have ended."""
    life.stage, life.due, life.turn = "ending", math.inf, math.inf
    for box in life.boxes:
        if box.step in ("idle", "pulling", "starting"):
            _give_up(box)
    alive = [box for box in life.boxes if box.step in ("running", "stopping")]
    for box in [one for one in alive if not one.sidecar] or alive:
        if box.step == "running":
            place.recorder.normal(place.pod, "Killing", f"Stopping container {box.name}", box.field_path)
        running.stop(place, box, now, grace)


def resume(place: Place, life: Life, now: float, off: float | None) -> None:
    """The kubelet is back after it was away. `off`: when the whole machine went off, and its containers with it."""
    if life.stage == "over":
        return
    rebooted = off is not None
    for box in life.boxes:
        if box.step in ("running", "stopping") and off is not None:
            containers.ended(place, box, off, 255, "Unknown", "")
            if life.stage == "ending":
                _give_up(box)
        elif box.step == "running" and box.end[0] > now:
            running.watch(place, box, now)
        elif box.step in ("pulling", "starting") and rebooted:
            box.step, box.due = "idle", now
    if rebooted and life.sandbox and life.stage == "up":
        place.recorder.normal(place.pod, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
        life.sandbox, life.stage, life.turn = False, "sandbox", math.inf
        life.due = now + place.wait(0.5, 1.5, "sandbox again")


def _compare(place: Place, life: Life, now: float) -> None:
    """An image is the one thing of a container that can be changed: the container starts again with it."""
    spec = place.pod["spec"]
    specs = {one["name"]: one for one in (*(spec.get("initContainers") or ()), *spec["containers"])}
    for box in life.boxes:
        fresh = specs.get(box.name, box.spec)
        if fresh is box.spec or fresh.get("image") == box.spec.get("image"):
            continue
        box.spec = fresh
        if box.step == "running":
            message = f"Container {box.name} definition changed, will be restarted"
            place.recorder.normal(place.pod, "Killing", message, box.field_path)
            box.forced = True
            running.stop(place, box, now, running.grace_of(place.pod))
        elif box.step == "idle" and not box.agenda:
            box.due, box.pull_pause, life.turn = now, 0.0, min(life.turn, now)


def _prepare(place: Place, life: Life, now: float, address: Callable[[], str]) -> None:
    """What comes before the containers."""
    if life.due > now:
        return
    if life.stage == "new":
        if verdict := rejection(place.pod, place.surroundings.node(place.node, now)):
            place.recorder.warning(place.pod, verdict.reason, verdict.message)
            condemn(place, life, now, verdict, 0.0)
            return
        life.stage, life.due = "mounting", now + place.wait(0.1, 0.4, "mount")
        if any(attached(place.store, place.pod)):
            life.due += place.wait(1.5, 5.0, "attach")
    elif life.stage == "mounting":
        _mount(place, life, now)
    elif life.stage == "sandbox":
        life.ips["podIP"] = life.ips["hostIP"] if place.pod["spec"].get("hostNetwork") else address()
        life.sandbox, life.stage, life.due = True, "up", math.inf
        life.turn = now + place.wait(0.02, 0.08, "first container")


def _mount(place: Place, life: Life, now: float) -> None:
    found = obstacle(place.store, place.pod)
    if found is None:
        for name in attached(place.store, place.pod):
            message = f'AttachVolume.Attach succeeded for volume "{name}" '
            Recorder(place.store, "attachdetach-controller").normal(place.pod, "SuccessfulAttachVolume", message)
        life.lacks = None
        life.stage, life.due = "sandbox", now + place.wait(0.3, 0.8, "sandbox")
        return
    times = max(1, round(life.pause / _SLOWEST))
    recorder = place.recorder
    if found.reason == "FailedAttachVolume":
        recorder = Recorder(place.store, "attachdetach-controller")
    recorder.warning(place.pod, found.reason, found.message, times=times)
    if now - life.seen > _PATIENCE:
        message = f"Unable to attach or mount volumes: unmounted volumes=[{found.volume}], unattached volumes=[], "
        message += "failed to process volumes=[]: context deadline exceeded"
        place.recorder.warning(place.pod, "FailedMount", message, times=times)
    life.pause = min(life.pause * 2, _QUIET) if life.pause else _MOUNT_AGAIN
    life.lacks, life.due = found.key, now + life.pause


def hurry(life: Life, key: Key, now: float) -> bool:
    """Something it may have waited for has changed: try again soon. Returns whether it waited for that."""
    if life.lacks == key:
        soon = now + (6.0 if key.kind == "Pod" else min(max(life.pause, 0.5), _SLOWEST) / 2)
        life.due = min(life.due, soon)
        return True
    waiting = [box for box in life.boxes if box.lacks == key]
    for box in waiting:
        box.due = min(box.due, now + 5.0)
        life.turn = min(life.turn, box.due)
    return bool(waiting)


def _act(place: Place, box: Box, now: float) -> None:
    if box.agenda and box.agenda[0][0] <= now and (box.step in ("idle", "ended") or box.agenda[0][0] <= box.due):
        match box.agenda[0][2]:
            case "look":
                box.agenda.pop()
                containers.look(place, box, now)
            case "pull back-off":
                box.agenda.pop()
                containers.pull_back_off(place, box)
            case _:
                running.act(place, box, now)
    elif box.step == "pulling":
        containers.pulled(place, box, now)
    elif box.step == "starting":
        if containers.create(place, box, now):
            running.begin(place, box, now)
    else:
        running.finish(place, box)


def _turns(place: Place, life: Life, now: float) -> None:
    """Start what may be started; the pod's worker starts one container after the other."""
    if life.stage != "up" or (life.turn > now and life.turn < math.inf and all(box.attempt < 0 for box in life.boxes)):
        return
    life.turn = math.inf
    if any(box.step in ("pulling", "starting") for box in life.boxes):
        return
    for box in _whose_turn(life):
        if box.step != "idle":
            continue
        if box.due > now:
            life.turn = min(life.turn, box.due)
            continue
        containers.start(place, box, now)
        if box.step != "idle":
            return
        life.turn = min(life.turn, box.due)


def _whose_turn(life: Life) -> list[Box]:
    """The containers that may run now: init containers up to the first that has not done its part, or all others."""
    inits = [box for box in life.boxes if box.init]
    mains = [box for box in life.boxes if not box.init]
    sidecars = [box for box in inits if box.sidecar]
    if any(box.attempt >= 0 for box in mains):
        return [*sidecars, *mains]
    turns: list[Box] = []
    for box in inits:
        turns.append(box)
        if not (box.started if box.sidecar else box.ready):
            return turns
    return [*sidecars, *mains]


def _close(place: Place, life: Life, now: float) -> None:
    """See whether the pod is over: all its containers are, or an init container has failed for good."""
    mains = [box for box in life.boxes if not box.init]
    failed = any(box.init and not box.sidecar and box.step == "ended" and not box.ready for box in life.boxes)
    if life.stage == "up" and (failed or all(box.step == "ended" for box in mains)):
        for box in life.boxes:
            if box.step in ("idle", "pulling", "starting"):
                _give_up(box)
        life.stage, life.turn = "ending", math.inf
    if life.stage != "ending":
        return
    alive = [box for box in life.boxes if box.step != "ended"]
    if alive and all(box.sidecar for box in alive):
        for box in alive:
            if box.step == "running":
                place.recorder.normal(place.pod, "Killing", f"Stopping container {box.name}", box.field_path)
                running.stop(place, box, now, _left(place.pod, now))
    if all(box.step == "ended" for box in life.boxes):
        life.stage = "over"


def _give_up(box: Box) -> None:
    """It is not started any more."""
    box.step, box.due = "ended", math.inf
    box.agenda.clear()


def _left(pod: Json, now: float) -> float:
    """Seconds of grace that are left when the pod is being deleted."""
    if stamp := pod["metadata"].get("deletionTimestamp"):
        return max(_LEAST_GRACE, parse_rfc3339(stamp) - now)
    return running.grace_of(pod)
