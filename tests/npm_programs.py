"""npm programs that tests drive, installed once into a cache folder outside the repository.

The versions are those of tests/conformance/package.json; the folder is named after that file, so another version is
another folder. The Node that the programs need comes with them, whatever the machine has. No install scripts are run.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from programs import require

PACKAGE_JSON = Path(__file__).parent / "conformance/package.json"
INSTALL_SECONDS = 600


def npm_programs() -> Path:
    """The `node_modules` with all of them; installs it when it is not there, or skips by name (a failure in CI)."""
    npm = require("npm", "npm")
    digest = hashlib.sha256(PACKAGE_JSON.read_bytes()).hexdigest()[:12]
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autodevops-tests"
    folder = root / f"npm-{digest}"
    root.mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes ask at once
        if not (folder / "ready").exists():
            _install(npm, folder)
    return folder / "node_modules"


def node(node_modules: Path) -> str:
    """The Node that came with them: npm's packages of one platform each, of which npm took the one that fits."""
    return str(next(node_modules.glob("node-*/bin/node")))


def _install(npm: str, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(PACKAGE_JSON, folder)
    options = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error"]
    done = subprocess.run(
        [npm, "install", *options], cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    if done.returncode:
        reason = f"npm could not install {PACKAGE_JSON}: {done.stderr.strip()[-300:]}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    (folder / "ready").touch()
