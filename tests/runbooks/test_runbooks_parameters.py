"""What reaches a notebook is what was declared, as data."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from runbook_files import write_runbook

from autodevops.kernel.errors import UsageError
from autodevops.runbooks import Catalogue, Parameter, load_runbook, resolve
from autodevops.runbooks.parameters import as_code, is_parameter_name

DECLARED = {
    "namespace": Parameter(type="str", default="", pattern="|[a-z][a-z0-9-]*", help="which namespace"),
    "minutes": Parameter(type="int", default=60, minimum=5, maximum=1440, help="how far back"),
    "ratio": Parameter(type="float", default=0.5, minimum=0, help="a share"),
    "deep": Parameter(type="bool", default=False, help="look closer"),
    "level": Parameter(type="str", default="warn", choices=("warn", "error"), help="log level"),
    "ticket": Parameter(type="str", required=True, help="the ticket's key"),
}


@pytest.mark.parametrize(
    ("given_values", "named"),
    [
        ({"namespac": "shop"}, ["'namespac'", "namespace, minutes"]),
        ({"a=1\nprint('X')\nb": 2}, ["print", "namespace"]),
        ({"namespace": 3}, ["namespace", "3", "text matching"]),
        ({"namespace": "Shop!"}, ["namespace", "'Shop!'", "[a-z]"]),
        ({"namespace": "shop\nimport os"}, ["namespace", "[a-z]"]),
        ({"minutes": "60"}, ["minutes", "'60'", "whole number from 5 to 1440"]),
        ({"minutes": 4}, ["minutes", "4", "from 5 to 1440"]),
        ({"minutes": 1441}, ["1441", "from 5 to 1440"]),
        ({"minutes": 5.0}, ["5.0", "whole number"]),
        ({"minutes": True}, ["True", "whole number"]),
        ({"ratio": float("nan")}, ["ratio", "nan"]),
        ({"ratio": -0.1}, ["-0.1", "at least 0"]),
        ({"deep": 1}, ["deep", "1", "true or false"]),
        ({"level": "info"}, ["level", "'info'", "one of 'warn', 'error'"]),
        ({"namespace": None}, ["namespace", "None"]),
        ({"namespace": ["a"]}, ["namespace", "['a']"]),
        ({"ticket": "\ud800"}, ["ticket", "text"]),
        ({}, ["needs parameter ticket", "the ticket's key"]),
    ],
)
def test_wrong_parameter_is_named_with_its_value_and_what_is_allowed(
    given_values: dict[str, Any], named: list[str]
) -> None:
    values = given_values if given_values in ({}, {"ticket": "\ud800"}) else {"ticket": "OPS-1", **given_values}
    with pytest.raises(UsageError) as caught:
        resolve("probe", DECLARED, values)
    assert caught.value.next_step
    for text in named:
        assert text in str(caught.value)


def test_every_declared_parameter_has_a_value_in_order_of_declaration() -> None:
    values = resolve("probe", DECLARED, {"ticket": "OPS-1", "minutes": 5, "ratio": 2})
    assert values == {
        "namespace": "",
        "minutes": 5,
        "ratio": 2.0,
        "deep": False,
        "level": "warn",
        "ticket": "OPS-1",
    }
    assert list(values) == list(DECLARED)
    assert isinstance(values["ratio"], float)


@given(
    st.dictionaries(
        st.text(st.characters(codec="ascii")).filter(is_parameter_name),
        st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans(),
        max_size=4,
    )
)
def test_injected_values_are_literals_that_read_back_equal(values: dict[str, Any]) -> None:
    read = {}
    for statement in ast.parse(as_code(values)).body:
        assert isinstance(statement, ast.Assign)
        (target,) = statement.targets
        assert isinstance(target, ast.Name)
        read[target.id] = ast.literal_eval(statement.value)
    assert read == values
    assert {name: type(value) for name, value in read.items()} == {name: type(value) for name, value in values.items()}


@given(st.text(), st.integers() | st.text() | st.booleans() | st.none() | st.floats())
def test_anything_is_either_resolved_as_declared_or_refused_as_usage(name: str, value: Any) -> None:
    try:
        values = resolve("probe", DECLARED, {"ticket": "OPS-1", name: value})
    except UsageError:
        return
    assert name in DECLARED
    assert values[name] == value


@pytest.mark.parametrize(
    "declaration",
    [
        {"type": "int", "default": "5", "help": "x"},
        {"type": "int", "default": 5, "minimum": 6, "help": "x"},
        {"type": "int", "help": "x"},
        {"type": "int", "default": 5, "required": True, "help": "x"},
        {"type": "str", "default": "a", "minimum": 1, "help": "x"},
        {"type": "str", "default": "a", "pattern": "[", "help": "x"},
        {"type": "str", "default": "a", "choices": ["b"], "help": "x"},
        {"type": "str", "default": "a"},
        {"type": "list", "default": "a", "help": "x"},
        {"type": "str", "default": "a", "help": "x", "secret": True},
    ],
)
def test_declaration_that_contradicts_itself_is_refused(declaration: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Parameter.model_validate(declaration)


MINUTES = {"minutes": {"type": "int", "default": 60, "help": "how far back"}}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"parameters_cell": "minutes = 30"}, "minutes = 30"),
        ({"parameters_cell": "minutes = 60\nextra = 1"}, "parameter extra is not declared"),
        ({"parameters_cell": ""}, "parameter minutes is declared but not in the parameters cell"),
        ({"parameters_cell": "minutes = int('60')"}, "its parameters cell cannot be read"),
        ({"parameters_cell": "import os"}, "line 1 is not `name = literal`"),
        ({"risk": "none"}, "autodevops.risk"),
        ({"time_limit_seconds": 0}, "autodevops.time_limit_seconds"),
        ({"colour": "red"}, "autodevops.colour"),
        ({"parameters": {"a b": MINUTES["minutes"]}, "parameters_cell": ""}, "'a b' is not an identifier"),
        ({"parameters": {"class": MINUTES["minutes"]}, "parameters_cell": ""}, "'class' is not an identifier"),
    ],
)
def test_runbook_with_a_wrong_declaration_is_refused_naming_file_and_field(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    path = write_runbook(tmp_path, ["1"], **{"parameters": MINUTES, **change})
    with pytest.raises(UsageError) as caught:
        load_runbook(path)
    assert str(path) in str(caught.value)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"{", "is not a notebook"),
        (b"[]", "not a notebook of format 4"),
        (b"\xff\xfe", "is not a notebook"),
        (json.dumps({"nbformat": 4, "metadata": {}, "cells": []}).encode(), "has no front matter"),
    ],
)
def test_file_that_is_no_runbook_is_named(tmp_path: Path, content: bytes, named: str) -> None:
    path = tmp_path / "broken.ipynb"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=named) as caught:
        load_runbook(path)
    assert "broken.ipynb" in str(caught.value)


@pytest.mark.parametrize("name", ["missing", "../probe", "", ".probe", "a/b"])
def test_unknown_runbook_is_named_with_those_that_exist(tmp_path: Path, name: str) -> None:
    write_runbook(tmp_path / "runbooks", ["1"])
    write_runbook(tmp_path, ["1"])
    with pytest.raises(UsageError, match="It has: probe") as caught:
        Catalogue(tmp_path / "runbooks").load(name)
    assert repr(name) in str(caught.value)


def test_shipped_runbooks_are_sound_and_have_no_outputs() -> None:
    catalogue = Catalogue(Path(__file__).parents[2] / "runbooks")
    assert "namespace-health" in catalogue.names()
    for runbook in catalogue.all():
        cells = json.loads(runbook.source)["cells"]
        assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells)
