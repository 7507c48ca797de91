"""Where runbooks come from: folders in the settings, packages that say they have some, and those we ship.

A package ships runbooks by an entry point of the group `autodevops.runbooks` whose value is the dotted name of the
package that holds the notebooks. Nothing of it is imported to find them. Ours lie beside this module in an installed
wheel, and in `runbooks/` of the repository in a checkout.
"""

from __future__ import annotations

import logging
from importlib import metadata, util
from pathlib import Path

from autodevops.runbooks.catalogue import Catalogue
from autodevops.settings import ScarletSettings

GROUP = "autodevops.runbooks"
log = logging.getLogger(__name__)


def catalogue_of(settings: ScarletSettings) -> Catalogue:
    return Catalogue(*settings.runbooks, packages=packaged() if settings.packaged_runbooks else ())


def packaged() -> tuple[Path, ...]:
    """The folders of installed packages, ours first. One that cannot be found is logged and left out."""
    folders = [shipped()]
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        try:
            spec = util.find_spec(point.value)
        except (ImportError, ValueError):
            spec = None
        found = [Path(place) for place in spec.submodule_search_locations or ()] if spec is not None else []
        if not found:
            owner = point.dist.name if point.dist else "a package"
            log.warning("Runbooks of %s are left out: its entry point %r names no package.", owner, point.value)
        folders += found
    return tuple(folder for folder in folders if folder.is_dir())


def shipped() -> Path:
    beside = Path(__file__).parent / "shipped"
    return beside if beside.is_dir() else Path(__file__).parents[2] / "runbooks"
