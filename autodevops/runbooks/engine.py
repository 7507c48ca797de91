"""The Papermill engine `autodevops`: `papermill --engine autodevops in.ipynb out.ipynb` works too.

Papermill loads its entry points while it is being imported, and our execution imports Papermill. So this module, which
the entry point names, imports neither before it is used: no circle, and no cost for others who import Papermill.
"""

from __future__ import annotations

from typing import Any

NAME = "autodevops"


class AutoDevOpsEngine:
    """Papermill's engine interface; all methods are called on the class."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **options: Any) -> Any:
        from autodevops.runbooks.execution import execute

        return execute(nb, kernel_name, **options)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        from papermill.utils import nb_kernel_name

        return str(nb_kernel_name(nb, name))

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        from papermill.utils import nb_language

        return str(nb_language(nb, language))


def register() -> None:
    """Make the engine known to Papermill in this process, installed or not."""
    from papermill.engines import papermill_engines

    papermill_engines.register(NAME, AutoDevOpsEngine)
