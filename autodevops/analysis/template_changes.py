"""What a change of a pod template touched, and what can come of that.

A rollout just before the trouble is suspected first, and mostly rightly: whatever a program does may come of whatever
its template says. But some findings name their own mechanism, and only certain fields are part of it: that nodes are
cordoned does not come of a new image, and to take that back gives no pod a node. `COMES_OF` says which fields; a reason
that is not in it may come of any.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

Fields = frozenset[str]

_PLACE: Final = frozenset({
    "affinity", "hostNetwork", "nodeName", "nodeSelector", "priorityClassName", "runtimeClassName", "schedulerName",
    "schedulingGates", "tolerations", "topologySpreadConstraints",
})  # fmt: skip
_SIZE: Final = frozenset({"overhead", "resources"})
_VOLUMES: Final = frozenset({"volumeDevices", "volumeMounts", "volumes"})
_REGISTRY: Final = frozenset({"image.name", "imagePullPolicy", "imagePullSecrets", "serviceAccountName"})
_IMAGE: Final = _REGISTRY | {"image"}
_REFERENCES: Final = frozenset({"env", "envFrom", "volumes"})
_SECURITY: Final = _VOLUMES | {"hostIPC", "hostNetwork", "hostPID", "hostUsers", "ports", "securityContext"}
_WIRE: Final = _PLACE | {"annotations"}  # those of a sidecar that is injected

COMES_OF: Final[Mapping[str, Fields]] = {
    # no node takes the pod
    "FailedScheduling": _PLACE | _SIZE | _VOLUMES | {"ports"},
    "HostPortTaken": _PLACE | {"ports"},
    "InsufficientCPU": _PLACE | {"overhead", "resources.cpu"},
    "InsufficientEphemeralStorage": _PLACE | {"overhead", "resources.ephemeral-storage"},
    "InsufficientMemory": _PLACE | {"overhead", "resources.memory"},
    "InsufficientResource": _PLACE | _SIZE,
    "NodeAffinityMismatch": _PLACE,
    "NodeMissing": _PLACE,
    "NodeSelectorMismatch": _PLACE,
    "NodesCordoned": _PLACE,
    "PodAffinityUnmet": _PLACE | {"labels"},
    "PodAntiAffinityUnmet": _PLACE | {"labels"},
    "PodPreempted": _PLACE | _SIZE,
    "SchedulerNameUnknown": _PLACE,
    "SchedulingGated": _PLACE,
    "TooManyPods": _PLACE,
    "TooManyVolumes": _PLACE | _VOLUMES,
    "TopologySpreadUnmet": _PLACE | {"labels"},
    "UntoleratedTaint": _PLACE,
    # it may not be made
    "CPUQuotaExceeded": _SIZE,
    "LimitRangeViolated": _SIZE,
    "MemoryQuotaExceeded": _SIZE,
    "PodQuotaExceeded": frozenset(),
    "PodSecurityViolation": _SECURITY,
    "PriorityClassMissing": _PLACE,
    "QuotaExceeded": _SIZE,
    "ServiceAccountMissing": frozenset({"serviceAccountName"}),
    "WebhookUnreachable": frozenset(),
    # it may not start, for what it refers to
    "ClaimMissing": _VOLUMES,
    "ConfigKeyMissing": _REFERENCES,
    "ConfigMapMissing": _REFERENCES,
    "ImageNeverPulled": _IMAGE,
    "ImageNotFound": _IMAGE,
    "ImagePullRateLimited": _REGISTRY,
    "ImagePullUnauthorized": _REGISTRY,
    "InvalidImageName": _IMAGE,
    "PullSecretMissing": _REGISTRY,
    "RegistryUnreachable": _REGISTRY,
    "RegistryUnresolvable": _REGISTRY,
    "SecretMissing": _REFERENCES,
    "VolumeAttachFailed": _VOLUMES | _PLACE,
    "VolumeInUse": _VOLUMES,
    "VolumeLost": frozenset(),
    "VolumeNotBound": _VOLUMES,
    "VolumeOccupied": _VOLUMES,
    "VolumeZoneConflict": _VOLUMES | _PLACE,
    "WrongArchitecture": _IMAGE | _PLACE,
    # the way to it
    "NetworkDelay": _WIRE,
    "NetworkLoss": _WIRE,
    "PodDNSWrong": frozenset({"dnsConfig", "dnsPolicy", "hostNetwork"}),
    # how much is asked of it, and of how many
    "ConsumersScaledDown": frozenset(),
    "ScaledDown": frozenset(),
    "ScaledToZero": frozenset(),
    "TrafficSurge": frozenset(),
}
"""By a finding's reason: the fields of a pod's spec, of its containers and of its metadata that it can come of.

`resources.cpu` is one of the resources, `image.name` what comes before the tag."""

_SETTINGS: Final = frozenset({"args", "command", "env", "envFrom", "volumes"})

MADE_BY: Final[Mapping[str, Fields]] = {
    "CPUSaturated": frozenset({"resources.cpu"}),
    "CPUThrottled": frozenset({"resources.cpu"}),
    "CertificateNotTrusted": _SETTINGS,
    "ConfigurationInvalid": _SETTINGS,
    "ConnectionPoolExhausted": _SETTINGS,
    "ConnectionPoolFull": _SETTINGS,
    "ConnectionRefused": _SETTINGS,
    "CredentialsRefused": _SETTINGS,
    "FilePermissionDenied": _VOLUMES | {"securityContext"},
    "GCPressure": _SETTINGS | {"resources.memory"},
    "HeapExhausted": _SETTINGS | {"resources.memory"},
    "HostUnreachable": _SETTINGS,
    "LivenessProbeFailing": frozenset({"livenessProbe"}),
    "MemoryNearLimit": frozenset({"resources.memory"}),
    "PortInUse": _SETTINGS | {"hostNetwork", "ports"},
    "ProtocolMismatch": _SETTINGS,
    "ReadinessProbeFailing": frozenset({"readinessProbe"}),
    "SchemaMissing": _SETTINGS,
    "StartupProbeFailing": frozenset({"startupProbe"}),
    "ThreadPoolExhausted": _SETTINGS,
    "UnknownHost": _SETTINGS,
}
"""By a finding's reason: the fields whose change makes it by itself, where the image stays: then it is what the change
did, and tells a person more than that a rollout is bad. A reason that any code can bring about is not made by these."""

_TELLS_RELEASE: Final = re.compile(
    r"build|chart|checksum|commit|date|hash|reloaded|restarted|revision|sha|version", re.IGNORECASE
)
"""Labels and annotations that only say which release, or which settings, it is."""


def touched(old: Mapping[str, Any], new: Mapping[str, Any]) -> Fields:
    """The fields that differ between two whole pod templates. A container that comes or goes is `containers`."""
    before, after = old.get("spec") or {}, new.get("spec") or {}
    found = {key for key in _differing(before, after) if key not in ("containers", "initContainers")}
    ours, theirs = _containers(before), _containers(after)
    if ours.keys() != theirs.keys():
        found.add("containers")
    for name in ours.keys() & theirs.keys():
        found.update(_differing(ours[name], theirs[name]))
        if len({_name_of(str(one[name].get("image", ""))) for one in (ours, theirs)}) > 1:
            found.add("image.name")
        for kind in ("limits", "requests"):
            sides = ((one[name].get("resources") or {}).get(kind) or {} for one in (ours, theirs))
            found.update(f"resources.{what}" for what in _differing(*sides))
    for key in ("annotations", "labels"):
        sides = ((one.get("metadata") or {}).get(key) or {} for one in (old, new))
        if any(not _TELLS_RELEASE.search(name) for name in _differing(*sides)):
            found.add(key)
    return frozenset(found)


def can_come_of(reason: str, fields: Fields | None) -> bool:
    """Whether a change of these fields can be the mechanism. None: what was touched is not known."""
    needed = COMES_OF.get(reason)
    if needed is None or not needed:
        return needed is None
    return fields is None or not fields.isdisjoint(needed | {"containers"})


def is_made_by(reason: str, fields: Fields | None) -> bool:
    """Whether a change of these fields, and of no image nor the containers themselves, makes it by itself."""
    if fields is None or fields & {"image", "containers"}:
        return False
    return not fields.isdisjoint(MADE_BY.get(reason, frozenset()))


def _containers(spec: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {str(one.get("name")): one for key in ("containers", "initContainers") for one in spec.get(key) or ()}


def _name_of(image: str) -> str:
    where, slash, last = image.partition("@")[0].rpartition("/")
    return f"{where}{slash}{last.partition(':')[0]}"


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterable[str]:
    return [key for key in sorted(one.keys() | other.keys()) if one.get(key) != other.get(key)]
