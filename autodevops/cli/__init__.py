"""The command line: thin commands over `Workbench`.

stdout carries the answer, stderr everything else. With `--json` stdout is one JSON document and nothing else.
Exit status: 0 done, 1 failure, 2 usage, 130 interrupted.
"""

from autodevops.cli.app import main

__all__ = ["main"]
