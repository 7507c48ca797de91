"""The shipped table of fields against the client it was made from."""

from __future__ import annotations

from importlib import resources

from autodevops.sandbox.kubernetes.fields import as_text, models, models_of_client


def test_shipped_fields_are_those_of_the_installed_client() -> None:
    shipped = resources.files("autodevops.sandbox.kubernetes").joinpath("fields.json").read_text("utf-8")
    assert "V1Pod" in models()
    assert shipped == as_text(models_of_client()), "run python -m autodevops.sandbox.kubernetes.fields"
