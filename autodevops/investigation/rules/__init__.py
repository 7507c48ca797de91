"""The rules, each in a file of its own whose docstring is its documentation page.

They run in four stages: symptoms and states from the picture alone; then what needs to know who suffers; then what
needs to know when it began, or what is new in the logs; last what must have heard of all other causes (lost calls,
storms of retries). A rule sees the findings of earlier stages and never asks the world. A file of this folder that
has a RULE is a rule; the others are what rules share. What is one cause is one reason, by whichever way it shows: a
few reasons have a rule for the logs and one for the metrics or traces, each with an id of its own.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule

_MODULES = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]

RULES: tuple[Rule, ...] = tuple(
    sorted((module.RULE for module in _MODULES if hasattr(module, "RULE")), key=lambda rule: (rule.stage, rule.id))
)

BY_ID: dict[str, Rule] = {rule.id: rule for rule in RULES}
REASONS: frozenset[str] = frozenset(rule.reason for rule in RULES)


def apply_stage(stage: int, picture: Picture, earlier: tuple[Finding, ...]) -> Iterator[Finding]:
    """The findings of one stage's rules, in order of rule id."""
    for rule in RULES:
        if rule.stage == stage:
            yield from rule.check(picture, earlier)


def apply_from(first: int, picture: Picture, earlier: tuple[Finding, ...] = ()) -> tuple[Finding, ...]:
    """The findings of this stage and all after it, behind those of the stages before."""
    for stage in range(first, LAST_STAGE + 1):
        earlier += tuple(apply_stage(stage, picture, earlier))
    return earlier


def apply_all(picture: Picture) -> tuple[Finding, ...]:
    """The findings of all stages over one picture, where nothing is gathered between them."""
    return apply_from(1, picture)


LAST_STAGE = max(rule.stage for rule in RULES)
