"""The vocabulary of faults. A scenario composes these; nothing in the sandbox knows a scenario by name.

A new primitive is a class in one of the three files, a member of `Fault`, and a paragraph in its docstring, which is
its documentation. Whatever can be said as a change to the cluster (a wrong image, a selector, a quota, a policy) is
said so with `patch`, `apply` or `delete`, and what becomes of it follows.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from autodevops.sandbox.world.faults.behaviour import (
    Cache,
    Calls,
    Connections,
    Cpu,
    Crash,
    Errors,
    Latency,
    Memory,
    Traffic,
    Unhealthy,
)
from autodevops.sandbox.world.faults.changes import Apply, Delete, Deploy, Patch, Restart, Rollback, Scale
from autodevops.sandbox.world.faults.outages import (
    Certificate,
    Component,
    Dns,
    Link,
    NodeFault,
    RegistryFault,
    Volume,
)

Fault = Annotated[
    Deploy
    | Rollback
    | Restart
    | Scale
    | Patch
    | Apply
    | Delete
    | Errors
    | Latency
    | Traffic
    | Cpu
    | Memory
    | Crash
    | Calls
    | Cache
    | Connections
    | Unhealthy
    | NodeFault
    | Component
    | RegistryFault
    | Link
    | Volume
    | Certificate
    | Dns,
    Field(discriminator="kind"),
]
