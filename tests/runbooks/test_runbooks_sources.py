"""Runbooks are found in folders of the settings and in installed packages, and it is clear which one is meant."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from runbook_files import write_runbook

from autodevops.kernel.errors import UsageError
from autodevops.runbooks import Catalogue
from autodevops.runbooks.sources import catalogue_of, packaged
from autodevops.settings import ScarletSettings


def test_several_folders_and_a_package_are_one_catalogue(tmp_path: Path) -> None:
    ours = write_runbook(tmp_path / "a", ["1"], name="ours")
    theirs = write_runbook(tmp_path / "b", ["1"], name="theirs")
    of_a_package = write_runbook(tmp_path / "package", ["1"], name="packaged")
    catalogue = Catalogue(tmp_path / "a", tmp_path / "b", packages=[tmp_path / "package"])
    assert catalogue.names() == ("ours", "packaged", "theirs")
    assert [catalogue.path(name) for name in catalogue.names()] == [ours, of_a_package, theirs]


def test_a_name_that_is_there_twice_is_refused_naming_both_places(tmp_path: Path) -> None:
    paths = [write_runbook(tmp_path / folder, ["1"]) for folder in ("a", "b")]
    for catalogue in (Catalogue(tmp_path / "a", tmp_path / "b"), Catalogue(packages=[tmp_path / "a", tmp_path / "b"])):
        with pytest.raises(UsageError) as refused:
            catalogue.load("probe")
        assert all(str(path) in str(refused.value) for path in paths)


def test_ones_own_hides_a_packages_and_both_places_are_known(tmp_path: Path) -> None:
    own, other = write_runbook(tmp_path / "own", ["1"]), write_runbook(tmp_path / "package", ["2"])
    catalogue = Catalogue(tmp_path / "own", packages=[tmp_path / "package"])
    assert catalogue.load("probe").path == own
    assert catalogue.places() == {"probe": (own, other)}


def test_a_folder_reached_by_two_ways_counts_once(tmp_path: Path) -> None:
    path = write_runbook(tmp_path / "own", ["1"])
    (tmp_path / "link").symlink_to(tmp_path / "own")
    catalogue = Catalogue(tmp_path / "own", tmp_path / "link", packages=[tmp_path / "link"])
    assert catalogue.load("probe").path == path
    assert catalogue.places() == {"probe": (path,)}


def test_an_installed_package_ships_runbooks_by_an_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution as an installer leaves it on the path."""
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "__init__.py").write_text("raise RuntimeError('it is not imported to be found')")
    write_runbook(tmp_path / "acme", ["1"], name="acme-cache")
    info = tmp_path / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[autodevops.runbooks]\nacme = acme\ngone = no_such_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    catalogue = catalogue_of(ScarletSettings(runbooks=()))
    assert {"acme-cache", "namespace-health"} <= set(catalogue.names())
    assert "acme" not in sys.modules
    assert catalogue_of(ScarletSettings(runbooks=(), packaged_runbooks=False)).names() == ()


def test_ours_are_found_without_any_folder() -> None:
    assert (packaged()[0] / "namespace-health.ipynb").is_file()
