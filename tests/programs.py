"""Programs that tests drive and that we did not write: found, or skipped by name (a failure in CI)."""

from __future__ import annotations

import os
import shutil

import pytest


def require(program: str, package: str) -> str:
    """Path of `program`, or a skip that names it and the Debian package that has it.

    Under CI=true a missing program fails the test: a skip there would hide that nothing was tested.
    """
    path = shutil.which(program)
    if path:
        return path
    reason = f"needs the program {program}: apt-get install {package}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
