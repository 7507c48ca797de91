"""Patches and applies, by the examples of their specifications and by what must hold of all of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodevops.sandbox.cluster.patches import json_patch, merge_patch, strategic_merge_patch
from autodevops.sandbox.kubernetes.ownership import Writer, applied
from autodevops.sandbox.kubernetes.status import Refused


@pytest.mark.parametrize(
    ("document", "patch", "found"),
    [  # RFC 7386, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch(document: Any, patch: Any, found: Any) -> None:
    assert merge_patch(document, patch) == found


@pytest.mark.parametrize(
    ("document", "patch", "found"),
    [
        (
            {"containers": [{"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}]}, {"name": "b"}]},
            {"containers": [{"name": "a", "image": "2", "env": [{"name": "Y", "value": "2"}]}]},
            {
                "containers": [
                    {"name": "a", "image": "2", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]},
                    {"name": "b"},
                ]
            },
        ),
        (
            {"containers": [{"name": "a"}, {"name": "b"}]},
            {"containers": [{"name": "a", "$patch": "delete"}]},
            {"containers": [{"name": "b"}]},
        ),
        ({"args": ["a"]}, {"args": ["b"]}, {"args": ["b"]}),
        ({"m": {"a": 1}}, {"m": {"$patch": "replace", "b": 2}}, {"m": {"b": 2}}),
        ({"m": {"a": 1, "b": 2}}, {"m": {"$retainKeys": ["b"], "b": 3}}, {"m": {"b": 3}}),
        (
            {"containers": [{"name": "a"}]},
            {"$setElementOrder/containers": [{"name": "a"}], "x": 1},
            {"containers": [{"name": "a"}], "x": 1},
        ),
    ],
)
def test_strategic_merge_patch(document: Any, patch: Any, found: Any) -> None:
    assert strategic_merge_patch(document, patch) == found


@pytest.mark.parametrize(
    ("document", "operations", "found"),
    [  # RFC 6902, appendix A
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"baz": "qux", "foo": "bar"}),
        ({"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "qux"}], {"foo": ["bar", "qux", "baz"]}),
        ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
        ({"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
        ({"baz": "qux"}, [{"op": "replace", "path": "/baz", "value": "boo"}], {"baz": "boo"}),
        ({"a": {"b": 1}, "c": {}}, [{"op": "move", "from": "/a/b", "path": "/c/d"}], {"a": {}, "c": {"d": 1}}),
        ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["x"]}], {"foo": ["bar", ["x"]]}),
        ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
        ({"a": 1}, [{"op": "copy", "from": "/a", "path": "/b"}], {"a": 1, "b": 1}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], {"b": 2}),
    ],
)
def test_json_patch(document: Any, operations: Any, found: Any) -> None:
    assert json_patch(document, operations) == found


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "test", "path": "/baz", "value": "bar"}],
        [{"op": "add", "path": "/a/b/c", "value": 1}],
        [{"op": "remove", "path": "/nope"}],
        [{"op": "replace", "path": "/nope", "value": 1}],
        [{"op": "frob", "path": "/baz"}],
        [{"path": "/baz"}],
        {"op": "add"},
        [{"op": "add", "path": "baz", "value": 1}],
    ],
)
def test_json_patch_that_does_not_fit_is_refused_and_changes_nothing(operations: Any) -> None:
    document = {"baz": "qux"}
    with pytest.raises(ValueError, match=r"\w"):
        json_patch(document, operations)
    assert document == {"baz": "qux"}


def test_list_entry_without_its_key_is_refused() -> None:
    with pytest.raises(ValueError, match="merge key: name"):
        strategic_merge_patch({}, {"containers": [{"image": "x"}]})


_NAMES = st.text("abc", min_size=1, max_size=2)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | _NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=8,
)
_CONTAINERS = st.lists(
    st.fixed_dictionaries({"name": _NAMES}, optional={"image": _NAMES, "args": st.lists(_NAMES, max_size=2)}),
    max_size=4,
    unique_by=lambda one: one["name"],
)


@settings(deadline=None)
@given(_JSON, _JSON)
def test_a_merge_patch_applied_twice_is_applied_once(document: Any, patch: Any) -> None:
    once = merge_patch(document, patch)
    assert merge_patch(once, patch) == once


@settings(deadline=None)
@given(_CONTAINERS, _CONTAINERS)
def test_containers_keep_their_names_apart_and_what_a_patch_does_not_say(before: Any, patch: Any) -> None:
    after = strategic_merge_patch({"containers": before}, {"containers": patch})["containers"]
    old, said = ({one["name"]: one for one in found} for found in (before, patch))
    assert [one["name"] for one in after] == list(dict.fromkeys([*old, *said]))
    for one in after:
        assert one == {**old.get(one["name"], {}), **said.get(one["name"], {})}


@settings(deadline=None)
@given(_CONTAINERS, st.randoms(use_true_random=False))
def test_a_patch_puts_elements_in_the_order_it_names(before: Any, chance: Any) -> None:
    order = [{"name": one["name"]} for one in before]
    chance.shuffle(order)
    patch = {"$setElementOrder/containers": order, "containers": order}
    after = strategic_merge_patch({"containers": before}, patch)["containers"]
    assert [one["name"] for one in after] == [one["name"] for one in order]


@settings(deadline=None)
@given(_CONTAINERS, _CONTAINERS)
def test_an_apply_is_what_its_writer_says_and_a_second_one_changes_nothing(first: Any, second: Any) -> None:
    def pod(containers: Any) -> Any:
        return {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"}, "spec": {"containers": containers}}

    writer = Writer("me", "Apply", "v1", "2026-11-24T12:00:00Z")
    once = applied(applied(None, pod(first), writer, force=False), pod(second), writer, force=False)
    assert applied(once, pod(second), writer, force=False) == once
    kept = {one["name"]: one for one in once.get("spec", {}).get("containers", ())}
    assert kept == {one["name"]: one for one in second}
    other = Writer("other", "Apply", "v1", writer.time)
    changed = [{**one, "image": "another"} for one in second if one.get("image")]
    if changed:
        with pytest.raises(Refused, match="Apply failed with"):
            applied(once, pod(changed), other, force=False)
        assert applied(once, pod(changed), other, force=True)["spec"]["containers"][0]["image"] == "another"
