"""The process of a Jupyter kernel that nobody sits at: ipykernel, started without what only people need.

ipykernel imports a debugger, which is a third of the time its start takes. In a runbook's kernel nobody steps through a
cell. `python -m autodevops.kernel.unattended -f FILE` stands where `python -m ipykernel_launcher -f FILE` would.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    if sys.path[0] == "" or Path(sys.path[0]) == Path.cwd():
        del sys.path[0]  # as ipykernel's own launcher does: a file in the folder must not shadow what is imported here
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # None is how Python blocks an import
    from ipykernel import debugger, kernelapp

    del sys.modules["debugpy"]  # a notebook may import it after all
    assert not debugger._is_debugpy_available
    kernelapp.launch_new_instance()


if __name__ == "__main__":
    main()
