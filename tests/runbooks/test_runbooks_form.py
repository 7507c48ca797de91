"""The form of a runbook: its controls are what is declared, and its buttons rehearse, run and cancel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import pytest
from runbook_files import write_runbook
from runbooks.running import WAIT_SECONDS, Sign, check_bundle

from autodevops.notebook.runbook_form import RunbookForm
from autodevops.runbooks import load_runbook
from autodevops.settings import ScarletSettings, Settings
from autodevops.settings.model import LedgerSettings

TAKES: dict[str, dict[str, Any]] = {
    "minutes": {"type": "int", "default": 60, "minimum": 5, "maximum": 90, "unit": "minutes", "help": "how far back"},
    "share": {"type": "float", "default": 0.5, "help": "of all"},
    "deep": {"type": "bool", "default": False, "help": "look closer"},
    "level": {"type": "str", "default": "warn", "choices": ["warn", "error"], "help": "from which on"},
    "name": {"type": "str", "required": True, "pattern": "[a-z]+", "help": "of what"},
    "count": {"type": "int", "required": True, "minimum": 1, "help": "so many"},
}


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Any]:
    forms = []

    def make(cells: list[str], parameters: dict[str, dict[str, Any]]) -> RunbookForm:
        path = write_runbook(tmp_path / "runbooks", cells, parameters=parameters)
        scarlet = ScarletSettings(artifacts=str(tmp_path / "artifacts"))
        settings = Settings(scarlet=scarlet, ledger=LedgerSettings(folder=tmp_path / "ledger"))
        forms.append(RunbookForm(load_runbook(path), settings))
        return forms[-1]

    yield make
    for form in forms:
        form.close()


def test_controls_are_what_is_declared_and_say_at_once_what_is_wrong(made: Any) -> None:
    form = made(["1"], TAKES)
    controls = {field.name: field.control for field in form.fields}
    kinds = ["BoundedIntText", "BoundedFloatText", "Checkbox", "Dropdown", "Text", "Text"]
    assert [type(control).__name__ for control in controls.values()] == kinds
    assert (controls["minutes"].min, controls["minutes"].max) == (5, 90)
    assert isinstance(form.box, ipywidgets.VBox)
    assert form.run.disabled
    controls["name"].value = "UPPER"
    controls["count"].value = "0"
    assert ["pattern" in form.fields[4].problem, "below 1" in form.fields[5].problem] == [True, True]
    controls["name"].value, controls["count"].value = "shop", "3"
    assert not form.run.disabled
    assert [field.read() for field in form.fields] == [60, 0.5, False, "warn", "shop", 3]


def test_rehearsal_runs_nothing_and_a_run_leaves_its_bundle_and_shows_its_report(made: Any, tmp_path: Path) -> None:
    form = made(["print('x' * minutes)", "1"], {"minutes": TAKES["minutes"]})
    form.fields[0].control.value = 7
    form.rehearse.click()
    form.future.result(WAIT_SECONDS)
    assert "minutes = 7<br>Ready to run." in form.status.value
    assert not (tmp_path / "artifacts" / "probe").exists()
    form.run.click()
    form.future.result(WAIT_SECONDS)
    assert "succeeded: run" in form.status.value
    assert form.bar.value == form.bar.max == 4
    (folder,) = (tmp_path / "artifacts" / "probe").iterdir()
    assert check_bundle(folder).parameters == {"minutes": 7}
    form.show_report.click()
    assert "srcdoc=" in form.report.value


def test_cancelled_run_ends_with_a_whole_bundle(made: Any, tmp_path: Path) -> None:
    with Sign(tmp_path) as sign:
        form = made([sign.cell], {})
        form.run.click()
        sign.wait()
        form.cancel.click()
        form.future.result(WAIT_SECONDS)
        sign.assert_kernel_ends()
    assert "cancelled: run" in form.status.value
    (folder,) = (tmp_path / "artifacts" / "probe").iterdir()
    assert check_bundle(folder).status == "cancelled"
