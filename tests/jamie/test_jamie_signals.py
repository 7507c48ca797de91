"""Jamie's own questions about requests, in each convention that the engine knows."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from jamie import jamie_samples as samples

from autodevops.domain.base import Json
from autodevops.domain.tool_results import NameList
from autodevops.investigation.request_families import FAMILIES, RequestFamily
from autodevops.jamie.answers.signals import ERRORS, LATENCY, TRAFFIC, Convention, convention, query
from autodevops.toolbox.recorder import Recorder
from autodevops.toolbox.testing import ScriptedTools


@pytest.mark.parametrize("label", ["namespace", "k8s_namespace_name"])
@pytest.mark.parametrize("family", FAMILIES, ids=[family.name for family in FAMILIES])
async def test_requests_are_asked_for_as_they_are_counted_here(family: RequestFamily, label: str) -> None:
    def listed(arguments: Mapping[str, Json]) -> NameList:
        here = arguments["match"] == f'{{{label}="shop"}}'
        return NameList(names=(family.count, family.bucket, "up") if here else ())

    tools = ScriptedTools({"prometheus.list_metrics": listed})
    found = await convention(Recorder(tools, clock=lambda: samples.NOW), "shop", None)
    assert found == Convention(family, label)
    traffic, errors, latency = (query(one, found, "shop", None, together=True) for one in (TRAFFIC, ERRORS, LATENCY))
    assert traffic.startswith(f'sum(rate({family.count}{{{label}="shop"')
    assert family.where in traffic
    assert all(f"{status}{match}" in errors for status, match in family.failure)
    assert (f"rate({family.bucket}{{" in latency) == bool(family.bucket)
    assert latency.endswith(f" * {family.seconds_per_unit:g}") == (family.seconds_per_unit != 1.0)
    assert not any(place in traffic + errors + latency for place in ("{on", "{by", "{count", "{failing", "{scale"))


async def test_the_usual_convention_is_asked_for_where_names_cannot_be_listed() -> None:
    assert await convention(Recorder(ScriptedTools({}), clock=lambda: samples.NOW), "shop", None) == Convention()
