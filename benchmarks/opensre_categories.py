"""OpenSRE's root cause categories of our reasons, for both of its collections.

A reason that only says that something is wrong (a symptom, an alert) has none. A state that is in no list is somebody's
wrong setting, as most of Kubernetes' are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import yaml

from autodevops.domain.investigation import Investigation
from autodevops.investigation.rules import RULES

_CATEGORIES = {
    "resource_exhaustion": {
        "CPUQuotaExceeded", "CPUSaturated", "CPUThrottled", "CacheEvictions", "CacheMisses",
        "ConnectionPoolExhausted", "ConnectionPoolFull", "ConnectionsExhausted", "ConsumerLagging",
        "DatabaseCPUSaturated", "DatabaseMemoryLow", "DiskPressure", "DiskSaturated", "EphemeralStorageExceeded",
        "FileDescriptorsExhausted",
        "FileDescriptorsNearLimit", "GCPressure", "HPAAtMaximum", "HeapExhausted", "IdleInTransaction",
        "InsufficientCPU", "InsufficientEphemeralStorage", "InsufficientMemory", "InsufficientResource",
        "LockContention", "MemoryGrowing", "MemoryLeak", "MemoryNearLimit", "MemoryPressure", "MemoryQuotaExceeded",
        "NodeDiskFull", "NodeOutOfMemory", "NoisyNeighbour", "OOMKilled", "ObjectQuotaExceeded", "PIDPressure",
        "PodQuotaExceeded", "QueueBacklog", "QuotaExceeded", "ReplicationLag", "ServiceQuotaExceeded", "SlowDatabase",
        "StorageNearlyFull", "StorageQuotaExceeded", "ThreadPoolExhausted", "ThreadsExhausted", "TooManyPods",
        "TrafficSurge", "TransactionIDsRunOut", "VolumeFull",
    },
    "infrastructure": {
        "ClockSkewed", "ContainerRuntimeDown", "ControlPlaneUnwell", "ControllerManagerDown", "DNSDown",
        "DatabaseDown", "DatabaseReadOnly", "DatabaseRestarted", "FailedOver", "FailedScheduling", "HostUnreachable",
        "KubeProxyDown",
        "KubeletDown", "NetworkDelay", "NetworkLoss", "NetworkPluginNotReady", "NodeClockDrift", "NodeMissing",
        "NodeNetworkDelay", "NodeNetworkLoss", "NodeNetworkUnavailable", "NodeNotReady", "NodePodsUnwell",
        "NodeRebooted", "NodesCordoned", "PodPreempted", "PodSandboxFailed", "ProvisioningFailed",
        "RegistryUnreachable", "RegistryUnresolvable", "SchedulerDown", "StuckTerminating", "VolumeAttachFailed",
        "VolumeZoneConflict", "WebhookUnreachable",
    },
    "dependency_failure": {
        "ConnectionRefused", "DNSFailing", "DependencyTimeout", "ExternalThrottled", "RateLimited",
        "RetriesExhausted", "RetryStorm", "SlowDependency", "UnknownHost", "UnreachableDependency",
    },
}  # fmt: skip
_STATES = {"BadRollout", "ConfigChanged", "CrashLogged"} | {rule.reason for rule in RULES if rule.role == "state"}


def category(found: Investigation) -> str:
    if found.verdict != "explained":
        return {"healthy": "healthy", "undetermined": "unknown"}[found.verdict]
    reason = found.hypotheses[0].reason
    named = next((name for name, reasons in _CATEGORIES.items() if reason in reasons), "")
    return named or ("configuration_error" if reason in _STATES else "unknown")


def judged(folder: Path, investigate: Callable[[Path], Coroutine[Any, Any, Investigation]]) -> list[str]:
    """A line for each case of the folder, and how many categories were right."""
    lines, right, cases = [], 0, 0
    for case in sorted(path for path in folder.iterdir() if path.is_dir()):
        truth = yaml.safe_load((case / "answer.yml").read_text())["root_cause_category"]
        found = asyncio.run(investigate(case))
        named = category(found)
        cases, right = cases + 1, right + (named == truth)
        first = f"{found.hypotheses[0].reason} {found.hypotheses[0].subject}" if found.hypotheses else "nobody"
        lines += [f"{case.name}: {found.verdict}, {first}; {named}, should be {truth}", f"    {found.summary}"]
    return [*lines, f"{cases} cases: category right in {right}"]
