"""Silences are read by the threads that notify while clients make new ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from autodevops.sandbox.alertmanager.silences import Silence, Silences

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)


def _silence() -> Silence:
    return Silence("", (), NOW, NOW + timedelta(hours=1), NOW, "mira", "maintenance")


def test_a_silence_made_while_others_are_read_disturbs_nobody() -> None:
    silences = Silences()
    for _ in range(3):
        silences.put(_silence(), NOW)
    seen = [one.id for one in silences if silences.put(_silence(), NOW)]
    assert len(seen) == len(set(seen)) == 3
    assert len(list(silences)) == 6
