"""Which kinds of actions there are. One that is not listed here cannot be done."""

from __future__ import annotations

from autodevops.executor.actions.restart_workload import RestartWorkloadKind
from autodevops.executor.kinds import AnyKind

_ALL: tuple[AnyKind, ...] = (RestartWorkloadKind(),)

KINDS: dict[str, AnyKind] = {kind.noun.model_fields["kind"].default: kind for kind in _ALL}
