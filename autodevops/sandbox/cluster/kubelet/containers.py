"""The state machine of one container: image, creation, start, end, back-off, start again.

`life.py` says when a container gets its turn and when it has to stop; `running.py` looks after it while it runs.
"""

from __future__ import annotations

import math

from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.cluster.kubelet import images
from autodevops.sandbox.cluster.kubelet.box import Box, Place, container_id, duration, wait_for
from autodevops.sandbox.cluster.kubelet.environment import Missing, environment, mounts, pull_credentials
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.cluster.surroundings import Pull, Run

_FIRST_PAUSE, _LONGEST_PAUSE = 10.0, 300.0  # seconds of back-off, for pulls and for crashes
_FORGOTTEN = 600.0  # seconds of running after which crashes are forgotten: twice the longest pause
_LOOK = 1.0  # seconds until the kubelet's relist sees that a container has ended
_SYNC = 13.0  # seconds between two looks at a pod that fails
_QUIET = 600.0  # most seconds between two writes about a container that cannot be created
_PULL_AGAIN = 0.4  # seconds to see that a registry has nothing newer


def start(place: Place, box: Box, now: float) -> None:
    """The container's turn: find its image or begin to pull it."""
    box.due, box.asked = math.inf, now
    if box.attempt >= 0 and not box.failing[0] and not box.pull_pause:
        forgotten = box.crash_pause == 0.0
        box.crash_pause = _FIRST_PAUSE if forgotten else min(box.crash_pause * 2, _LONGEST_PAUSE)
        box.crash_since = now
    image = str(box.spec.get("image", ""))
    try:
        full = images.with_tag(image)
    except images.BadName as error:
        message = f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": {error}'
        _cannot(place, box, now, "InvalidImageName", message, "InvalidImageName", "InspectFailed")
        return
    present, policy = place.images.has(full, now), images.pull_policy(box.spec)
    if present and policy != "Always":
        times = _times(box)
        message = f'Container image "{image}" already present on machine'
        place.recorder.normal(place.pod, "Pulled", message, box.field_path, times)
        _create_soon(place, box, now)
    elif policy == "Never":
        message = f'Container image "{image}" is not present with pull policy of Never'
        reason = "ErrImageNeverPull"
        _cannot(place, box, now, reason, message, reason, reason)
    else:
        _begin_pull(place, box, full, now)


def _begin_pull(place: Place, box: Box, full: str, now: float) -> None:
    auths, missing = pull_credentials(place.store, place.pod)
    if missing:
        names = ", ".join(missing)
        message = f"Unable to retrieve some image pull secrets ({names}); attempting to pull the image may not succeed."
        place.recorder.warning(place.pod, "FailedToRetrieveImagePullSecret", message)
    place.recorder.normal(place.pod, "Pulling", f'Pulling image "{box.spec["image"]}"', box.field_path)
    begin = max(now, place.images.free)
    if place.surroundings.node(place.node, now).image_pulls:
        pull = place.surroundings.pull(str(box.spec["image"]), auths, place.node, begin)
    else:
        reference = images.qualified(full)
        host = reference.partition("/")[0]
        host = "registry-1.docker.io" if host == "docker.io" else host
        error = f'failed to pull and unpack image "{reference}": failed to resolve reference "{reference}": '
        error += f'failed to do request: Head "https://{host}/v2/": dial tcp: lookup {host}: i/o timeout'
        pull = Pull(30.0, error=f"rpc error: code = DeadlineExceeded desc = {error}")
    seconds = _PULL_AGAIN if not pull.error and place.images.has(full, begin) else pull.seconds
    box.step, box.pull, box.due = "pulling", Pull(seconds, pull.size, pull.error, pull.user), begin + seconds
    place.images.free = box.due
    if not pull.error:
        place.images.since.setdefault(images.qualified(full), box.due)


def pulled(place: Place, box: Box, now: float) -> None:
    """A pull has ended."""
    image, pull = str(box.spec["image"]), box.pull
    if pull is None or not pull.error:
        seconds, waiting = duration(pull.seconds if pull else 0.0), duration(now - box.asked)
        size = pull.size if pull else 0
        message = f'Successfully pulled image "{image}" in {seconds} ({waiting} including waiting). '
        place.recorder.normal(place.pod, "Pulled", f"{message}Image size: {size} bytes.", box.field_path)
        box.pull_pause = 0.0
        _create_soon(place, box, now)
        return
    place.recorder.warning(place.pod, "Failed", f'Failed to pull image "{image}": {pull.error}', box.field_path)
    place.recorder.warning(place.pod, "Failed", "Error: ErrImagePull", box.field_path)
    box.pull_pause = min(box.pull_pause * 2, _LONGEST_PAUSE) if box.pull_pause else _FIRST_PAUSE
    box.step, box.due = "idle", now + box.pull_pause + place.wait(1.0, 4.0, box.name, "pull", box.pull_pause)
    wait_for(box, "ErrImagePull", pull.error)
    box.later(now + place.wait(0.8, 2.0, box.name, "pull back-off"), "pull back-off")


def _create_soon(place: Place, box: Box, now: float) -> None:
    box.step, box.due = "starting", now + place.wait(0.08, 0.35, box.name, "create", box.attempt)


def create(place: Place, box: Box, now: float) -> bool:
    """Create and start it. Returns whether it runs."""
    try:
        variables = environment(place.store, place.pod, box.spec, place.ips)
    except Missing as missing:
        box.lacks = missing.key
        _cannot(place, box, now, "CreateContainerConfigError", str(missing), str(missing))
        return False
    if refusal := _root_refusal(place, box):
        _cannot(place, box, now, "CreateContainerConfigError", refusal, refusal)
        return False
    box.failing, box.lacks = ("", 0.0), None
    box.attempt += 1
    box.last = box.state.get("terminated", box.last)
    box.before = box.end[0] if box.attempt else -math.inf
    box.end, box.forced = (math.inf, 0, "", ""), False
    box.began, box.due, box.ready, box.started = now, math.inf, False, False
    files = mounts(place.store, place.pod, box.spec)
    box.run = Run(place.pod, box.spec, variables, files, place.node, now, box.attempt, box.init)
    program = box.program = place.surroundings.program(box.run)
    place.recorder.normal(place.pod, "Created", f"Created container: {box.name}", box.field_path)
    if program.error:
        place.recorder.warning(place.pod, "Failed", f"Error: {program.error}", box.field_path)
        ended(place, box, now, program.code or 128, "StartError", program.error, begin="1970-01-01T00:00:00Z")
        if box.step != "ended":
            wait_for(box, "RunContainerError", program.error)
        return False
    place.recorder.normal(place.pod, "Started", f"Started container {box.name}", box.field_path)
    box.step, box.state = "running", {"running": {"startedAt": rfc3339(now)}}
    if program.ends is not None:
        reason = "Error" if program.code and program.reason == "Completed" else program.reason
        box.end = (now + program.ends, program.code, reason, program.message)
        box.due = box.end[0]
    return True


def ended(place: Place, box: Box, at: float, code: int, reason: str, message: str, begin: str = "") -> None:
    """It has ended at `at`: what its restart policy makes of that is looked at a little later."""
    terminated: Json = {"exitCode": code, "reason": reason}
    if message:
        terminated["message"] = message
    terminated |= {"startedAt": begin or rfc3339(box.began), "finishedAt": rfc3339(at)}
    terminated["containerID"] = container_id(place.pod, box)
    box.state, box.ready, box.started = {"terminated": terminated}, False, False
    box.agenda.clear()
    box.end = (at, code, reason, message)
    if comes_again(place.pod, box, code):
        box.step, box.due = "idle", math.inf
        box.later(max(at, place.store.now) + _LOOK * place.wait(0.6, 1.2, box.name, "look", box.attempt), "look")
    else:
        box.step, box.due = "ended", math.inf
        box.ready = box.init and not box.sidecar and code == 0


def look(place: Place, box: Box, now: float) -> None:
    """The kubelet sees that it has ended: start it again at once, or after a while."""
    finished = box.end[0]
    if box.crash_pause and finished - box.crash_since > _FORGOTTEN:
        box.crash_pause = 0.0
    # A container killed for its probe is started in the same sync, which knows only of the end before.
    since = box.before if box.forced else finished
    if box.crash_pause and now - since < box.crash_pause:
        pause = duration(box.crash_pause)
        message = f"back-off {pause} restarting failed container={box.name} pod={place.full_name}"
        wait_for(box, "CrashLoopBackOff", message)
        told = f"Back-off restarting failed container {box.name} in pod {place.full_name}"
        place.recorder.warning(place.pod, "BackOff", told, box.field_path, max(1, round(box.crash_pause / _SYNC)))
        box.due = finished + box.crash_pause
    else:
        box.due = now


def pull_back_off(place: Place, box: Box) -> None:
    """The kubelet sees that it may not pull again yet."""
    message = f'Back-off pulling image "{box.spec["image"]}"'
    times = max(1, round(box.pull_pause / _SYNC))
    place.recorder.normal(place.pod, "BackOff", message, box.field_path, times)
    place.recorder.warning(place.pod, "Failed", "Error: ImagePullBackOff", box.field_path, times)
    error = box.pull.error if box.pull else ""
    wait_for(box, "ImagePullBackOff", f"{message}: ErrImagePull: {error}")


def comes_again(pod: Json, box: Box, code: int) -> bool:
    """Whether the restart policy starts it again after this exit code."""
    policy = "Always" if box.sidecar else str(pod["spec"].get("restartPolicy") or "Always")
    if box.init and not box.sidecar:
        return policy != "Never" and code != 0
    return policy == "Always" or (policy == "OnFailure" and (code != 0 or box.forced))


def _cannot(place: Place, box: Box, now: float, reason: str, message: str, error: str, also: str = "") -> None:
    """It cannot be created: say so, and try again after a growing pause or when what it lacks turns up.

    `also`: the reason of another warning, with `message`.
    """
    times, known, pause = _times(box), *box.failing
    pause = min(pause * 2, _QUIET) if known == reason else _SYNC
    box.failing, box.step, box.due = (reason, pause), "idle", now + pause
    if also:
        place.recorder.warning(place.pod, also, message, box.field_path, times)
    place.recorder.warning(place.pod, "Failed", f"Error: {error}", box.field_path, times)
    wait_for(box, reason, message)


def _times(box: Box) -> int:
    """How often a real kubelet would have tried since the last time anything was written here."""
    return max(1, round(box.failing[1] / _SYNC)) if box.failing[0] else 1


def _root_refusal(place: Place, box: Box) -> str:
    """Why runAsNonRoot forbids it."""
    context = {**(place.pod["spec"].get("securityContext") or {}), **(box.spec.get("securityContext") or {})}
    if not context.get("runAsNonRoot"):
        return ""
    where = f'(pod: "{place.full_name}", container: {box.name})'
    user = context.get("runAsUser")
    if user is not None:
        return f"container's runAsUser breaks non-root policy {where}" if int(user) == 0 else ""
    own = place.surroundings.pull(str(box.spec["image"]), (), place.node, place.store.now).user
    if own in ("", "0", "root"):
        return f"container has runAsNonRoot and image will run as root {where}"
    if not own.isdigit():
        return (
            f"container has runAsNonRoot and image has non-numeric user ({own}), cannot verify user is non-root {where}"
        )
    return ""
