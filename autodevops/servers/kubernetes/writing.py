"""The tools that change the cluster, declared: only on a server that was started with them allowed."""

from __future__ import annotations

from typing import Annotated, Any

import anyio
from mcp.server.mcpserver import Context
from pydantic import Field

from autodevops.domain.tool_results import DrainResult, LeaseResult, WriteResult
from autodevops.kernel.clock import utc_now
from autodevops.servers._tools import Server, write_tool
from autodevops.servers.kubernetes import jobs, leases, nodes, patching, pods, text, workloads
from autodevops.servers.kubernetes.changes import on_newest
from autodevops.servers.kubernetes.cluster import Cluster
from autodevops.servers.kubernetes.words import (
    DryRun,
    Generation,
    Grace,
    Kind,
    Name,
    Namespace,
    SameUid,
    Uid,
    Version,
    in_thread,
)

MAX_DRAIN_SECONDS = 600


def add_write_tools(server: Server, cluster: Cluster) -> None:
    _add_workloads(server, cluster)
    _add_pods(server, cluster)
    _add_jobs(server, cluster)
    _add_nodes(server, cluster)
    _add_leases(server, cluster)

    @write_tool(server, destructive=True, idempotent=False, text=text.write)
    async def patch_resource(
        kind: Kind,
        name: Name,
        patch: Annotated[
            dict[str, Any] | list[dict[str, Any]],
            Field(description="The patch: an object, or with json a list of operations."),
        ],
        namespace: Namespace = "",
        patch_type: Annotated[
            patching.PatchType,
            Field(
                description="merge: RFC 7386, lists are replaced whole. strategic: lists of containers and the like "
                "merge by name (not for custom resources). json: RFC 6902 operations."
            ),
        ] = "strategic",
        resource_version: Version = "",
        dry_run: DryRun = True,
    ) -> WriteResult:
        """Change fields of one object of any kind. Answers every field that differs, before and after.

        Misspelt fields are refused. Use the narrower tools (scale_workload, cordon_node, ...) where one fits.
        """
        return await in_thread(
            lambda: on_newest(
                lambda: patching.patch_object(
                    cluster, kind, name, namespace, patch, patch_type, resource_version, dry_run
                )
            )
        )


def _add_workloads(server: Server, cluster: Cluster) -> None:
    @write_tool(server, destructive=True, idempotent=True, text=text.write)
    async def scale_workload(
        kind: Kind,
        name: Name,
        replicas: Annotated[int, Field(description="How many pods it shall have.", ge=0, le=10_000)],
        namespace: Namespace = "",
        expected_replicas: Annotated[
            int | None, Field(description="Only if it has so many now. null: whatever it has.")
        ] = None,
        uid: SameUid = "",
        dry_run: DryRun = True,
    ) -> WriteResult:
        """Set the replicas of a Deployment, StatefulSet, ReplicaSet or custom workload that can be scaled.

        Warns when an autoscaler will decide otherwise.
        """
        return await in_thread(
            lambda: on_newest(
                lambda: workloads.scale(cluster, kind, name, namespace, replicas, expected_replicas, dry_run, uid=uid)
            )
        )

    @write_tool(server, destructive=True, idempotent=False, text=text.write)
    async def restart_workload(
        kind: Kind,
        name: Name,
        namespace: Namespace = "",
        stamp: Annotated[
            str,
            Field(
                description="What its restartedAt annotation shall say. A call with a stamp that it bears already "
                "restarts nothing, so that it can be repeated. Empty: the time it is.",
                max_length=200,
            ),
        ] = "",
        uid: SameUid = "",
        generation: Generation = None,
        dry_run: DryRun = True,
    ) -> WriteResult:
        """Replace every pod of a Deployment, StatefulSet or DaemonSet by its rollout, like kubectl rollout restart."""
        return await in_thread(
            lambda: on_newest(
                lambda: workloads.restart(
                    cluster,
                    kind,
                    name,
                    namespace,
                    utc_now(),
                    dry_run,
                    stamp=stamp,
                    uid=uid,
                    generation=generation,
                )
            )
        )

    @write_tool(server, destructive=True, idempotent=False, text=text.write)
    async def rollback_workload(
        kind: Kind,
        name: Name,
        namespace: Namespace = "",
        to_revision: Annotated[
            int, Field(description="A revision of get_rollout_history. 0: the one before the current.", ge=0)
        ] = 0,
        uid: SameUid = "",
        generation: Generation = None,
        dry_run: DryRun = True,
    ) -> WriteResult:
        """Give a Deployment, StatefulSet or DaemonSet the pod template of an earlier revision, like rollout undo."""
        return await in_thread(
            lambda: on_newest(
                lambda: workloads.roll_back(
                    cluster, kind, name, namespace, to_revision, dry_run, uid=uid, generation=generation
                )
            )
        )


def _add_pods(server: Server, cluster: Cluster) -> None:
    @write_tool(server, destructive=True, idempotent=False, text=text.write)
    async def delete_pod(
        name: Name,
        namespace: Namespace = "",
        uid: Uid = "",
        grace_period_seconds: Grace = None,
        resource_version: Version = "",
        dry_run: DryRun = True,
    ) -> WriteResult:
        """Delete one pod; its controller, if it has one, makes a new one. Asks no disruption budget: see evict_pod."""
        return await in_thread(
            lambda: pods.delete(cluster, name, namespace, uid, grace_period_seconds, dry_run, resource_version)
        )

    @write_tool(server, destructive=True, idempotent=False, text=text.write)
    async def evict_pod(
        name: Name,
        namespace: Namespace = "",
        uid: Uid = "",
        grace_period_seconds: Grace = None,
        dry_run: DryRun = True,
    ) -> WriteResult:
        """Delete one pod if its disruption budgets allow that now; otherwise say which budget forbids it and why."""
        return await in_thread(lambda: pods.evict(cluster, name, namespace, uid, grace_period_seconds, dry_run))


def _add_jobs(server: Server, cluster: Cluster) -> None:
    @write_tool(server, destructive=True, idempotent=False, text=text.write)
    async def delete_finished_job(
        name: Name,
        namespace: Namespace = "",
        uid: SameUid = "",
        dry_run: DryRun = True,
    ) -> WriteResult:
        """Delete one Job that is complete or has failed, with its pods and logs. Refuses a Job that still runs."""
        return await in_thread(lambda: jobs.delete_finished(cluster, name, namespace, uid, dry_run))


def _add_nodes(server: Server, cluster: Cluster) -> None:
    @write_tool(server, destructive=False, idempotent=True, text=text.write)
    async def cordon_node(name: Name, uid: SameUid = "", dry_run: DryRun = True) -> WriteResult:
        """Place no new pods on a node; the pods on it stay."""
        return await in_thread(lambda: nodes.cordon(cluster, name, dry_run, uid=uid))

    @write_tool(server, destructive=False, idempotent=True, text=text.write)
    async def uncordon_node(name: Name, uid: SameUid = "", dry_run: DryRun = True) -> WriteResult:
        """Place new pods on a node again."""
        return await in_thread(lambda: nodes.cordon(cluster, name, dry_run, on=False, uid=uid))

    @write_tool(server, destructive=True, idempotent=True, text=text.write)
    async def drain_node(
        name: Name,
        context: Context,
        delete_emptydir_data: Annotated[
            bool, Field(description="Also evict pods whose emptyDir volumes would be lost.")
        ] = False,
        delete_unmanaged: Annotated[
            bool, Field(description="Also evict pods that no controller would make again.")
        ] = False,
        grace_period_seconds: Grace = None,
        timeout_seconds: Annotated[
            int, Field(description="How long to wait for pods to leave.", ge=0, le=MAX_DRAIN_SECONDS)
        ] = 60,
        uid: SameUid = "",
        dry_run: DryRun = True,
    ) -> DrainResult:
        """Cordon a node and evict its pods, asking disruption budgets. Says of every pod whether it left, and why not.

        DaemonSets' and static pods stay. Refuses as a whole, before anything is done, when a pod would lose data or
        would not come back, unless told. When the time is over it answers how far it came; call it again to go on.
        """

        async def progress(done: int, total: int, message: str) -> None:
            await context.report_progress(done, total, message)

        return await nodes.drain(
            cluster,
            name,
            unmanaged=delete_unmanaged,
            empty_dir=delete_emptydir_data,
            grace=grace_period_seconds,
            seconds=timeout_seconds,
            dry_run=dry_run,
            in_thread=in_thread,
            sleep=anyio.sleep,
            progress=progress,
            uid=uid,
        )


def _add_leases(server: Server, cluster: Cluster) -> None:
    @write_tool(server, destructive=False, idempotent=True)
    async def hold_lease(
        name: Name,
        holder: Annotated[str, Field(description="Who is to hold it.", min_length=1)],
        namespace: Namespace = "",
        seconds: Annotated[int, Field(description="How long it stands for without being renewed.", ge=1, le=3600)] = 15,
        stale_version: Annotated[
            str,
            Field(
                description="Take it over from another holder if it still is at this metadata.resourceVersion: give "
                "it when you saw it stand there for its whole length. Empty: another's is left alone."
            ),
        ] = "",
        let_go: Annotated[bool, Field(description="Instead: nobody's from now on, if the holder has it.")] = False,
        dry_run: DryRun = True,
    ) -> LeaseResult:
        """Make, take or renew a Lease (coordination.k8s.io) as leader election does, and say who holds it.

        One that another holds is left alone, and that is no error: look at `held`.
        """
        now = utc_now()
        if let_go:
            return await in_thread(lambda: leases.let_go(cluster, name, namespace, holder, now, dry_run))
        return await in_thread(
            lambda: leases.hold(cluster, name, namespace, holder, seconds, stale_version, now, dry_run)
        )
