"""Imported by a visitor's kernel as it starts, while the browser still loads Voila's own code: a second each.

The first cell then finds its modules there. What only the workbench needs comes in the background, so that the
kernel is not kept from answering.
"""

from __future__ import annotations

from threading import Thread

from autodevops.portal import page  # noqa: F401  # what the first cell wants


def _rest() -> None:
    from autodevops.kernel.startup import skip_unused_imports

    skip_unused_imports()
    from autodevops import servers, toolbox  # noqa: F401
    from autodevops.portal import overview  # noqa: F401


Thread(target=_rest, name="autodevops-warm", daemon=True).start()
