"""Pods of a node that was deleted: gone after the quarantine, and made anew elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox_world.worlds import MovingClock

from autodevops.sandbox.world.world import World

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def test_pods_of_a_deleted_node_are_replaced_elsewhere() -> None:
    clock = MovingClock()
    world = World("healthy", 1, START, clock)
    lost = {pod.uid: pod.service for pod in world.pods(world.now()) if pod.node == "node-2"}
    world.do("delete", "Node/node-2")
    clock.advance(30)
    assert lost.keys() <= {pod.uid for pod in world.pods(world.now())}
    clock.advance(90)
    left = world.pods(world.now())
    assert not lost.keys() & {pod.uid for pod in left}
    assert not any(pod.node == "node-2" for pod in left)
    moved = [pod for pod in left if pod.kind == "Deployment" and pod.created_at > START.timestamp()]
    assert moved
    assert all(pod.ready(world.now()) for pod in moved)
