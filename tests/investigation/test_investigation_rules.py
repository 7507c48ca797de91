"""Every rule is registered, documented in its own file, and has its own code."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

from autodevops.investigation import rules
from autodevops.investigation.confidence import WEIGHTS, confidence, score
from autodevops.investigation.rules.base import Rule

_PAGE = re.compile(r"\w+ \([A-Z0-9]+, \w+\): ")
_MODULES = [
    name
    for name in (found.name for found in pkgutil.iter_modules(rules.__path__))
    if hasattr(module := importlib.import_module(f"{rules.__name__}.{name}"), "RULE")
    or _PAGE.match(module.__doc__ or "")
]


@pytest.mark.parametrize("name", _MODULES)
def test_a_rule_file_is_registered_and_documents_itself(name: str) -> None:
    module = importlib.import_module(f"autodevops.investigation.rules.{name}")
    rule: Rule = module.RULE
    assert rule in rules.RULES
    page = module.__doc__ or ""
    assert page.startswith(f"{rule.reason} ({rule.id}, {rule.role}): ")
    for part in ("What:", "Why it matters:", "Example:", "What to do:"):
        assert part in page
    assert rule.documentation == page
    assert 0 <= rule.specificity <= 1


def test_codes_are_unique_and_rules_of_one_reason_play_one_role() -> None:
    assert len(rules.RULES) == len(rules.BY_ID)
    assert len({(rule.reason, rule.role) for rule in rules.RULES}) == len(rules.REASONS)


@pytest.mark.parametrize("factor", WEIGHTS)
def test_confidence_moves_with_each_factor_in_its_direction(factor: str) -> None:
    others = dict.fromkeys(WEIGHTS, 0.5)
    low, high = (confidence(score(others | {factor: level}), first=True) for level in (0.0, 1.0))
    assert (high > low) == (WEIGHTS[factor] > 0)
    assert 0 <= low <= 1
    assert confidence(score(others | {factor: 7.0}), first=True) == high
