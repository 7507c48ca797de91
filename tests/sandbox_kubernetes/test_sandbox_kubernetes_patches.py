"""Patches, by the examples of their specifications."""

from __future__ import annotations

from typing import Any

import pytest

from autodevops.sandbox.kubernetes.patches import json_patch, merge_patch, strategic_merge_patch


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
