"""The front end's packages, in the versions that widgets/package.json pins."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from programs import require

SOURCES = Path(__file__).resolve().parents[1] / "widgets"


def node_modules() -> Path:
    """`widgets/node_modules`, installed when it is not what package.json says."""
    npm = require("npm", "npm")
    require("node", "nodejs")
    package = json.loads((SOURCES / "package.json").read_text())
    wanted = package["dependencies"] | package["devDependencies"]
    installed = [SOURCES / "node_modules" / name / "package.json" for name in wanted]
    have = {path: json.loads(path.read_text())["version"] for path in installed if path.is_file()}
    if list(have.values()) != list(wanted.values()):
        subprocess.run([npm, "install", "--no-audit", "--no-fund"], cwd=SOURCES, check=True, timeout=300)
    return SOURCES / "node_modules"
