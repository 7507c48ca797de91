"""Arguments that the tools share, with the words a model reads about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

from anyio.to_thread import run_sync
from pydantic import Field

T = TypeVar("T")

Kind = Annotated[
    str, Field(description="Kind, plural or short name, optionally with its group: Pod, deploy, deployments.apps.")
]
Name = Annotated[str, Field(description="Name of the object.", min_length=1)]
Namespace = Annotated[str, Field(description="Namespace of the object. Empty: the kubeconfig context's.")]
AnyNamespace = Annotated[str, Field(description="Namespace. Empty: all namespaces.")]
LabelSelector = Annotated[str, Field(description="e.g. app.kubernetes.io/name=cart,tier!=cache.")]
DryRun = Annotated[
    bool,
    Field(description="true: the cluster checks it in full and keeps nothing. false: do it. Look at a dry run first."),
]
Grace = Annotated[
    int | None,
    Field(description="Seconds its program gets to end by itself. null: what the pod says; 0: kill at once.", ge=0),
]
Uid = Annotated[str, Field(description="Only if the pod still has this uid (metadata.uid). Empty: whatever it has.")]
SameUid = Annotated[
    str, Field(description="Only if it still is the object with this uid (metadata.uid). Empty: whatever it is.")
]
Version = Annotated[
    str, Field(description="Only if the object still is at this metadata.resourceVersion. Empty: whatever.")
]
Generation = Annotated[
    int | None,
    Field(description="Only if nobody changed its spec since this metadata.generation. null: whatever it has."),
]


async def in_thread(function: Callable[[], T]) -> T:
    """The client library blocks."""
    return await run_sync(function, abandon_on_cancel=True)
