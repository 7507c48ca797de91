"""Whether a part of the control plane runs, and when it will again."""

from __future__ import annotations

import math

from autodevops.sandbox.cluster.surroundings import Surroundings

MANAGER = "kube-controller-manager"


def back_at(surroundings: Surroundings, component: str, now: float) -> float | None:
    """None while the component runs; else the moment (epoch s) it runs again, infinity when it never does."""
    if surroundings.component(component, now):
        return None
    later = (moment for moment in surroundings.turning_points() if moment > now)
    return next((moment for moment in later if surroundings.component(component, moment)), math.inf)
