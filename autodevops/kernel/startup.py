"""What every entry point does before it imports anything heavy.

jsonschema imports `rfc3987_syntax` when it is installed, and that compiles a grammar for one second. It serves the
`iri` and `iri-reference` format checks alone, which nothing here uses; jsonschema tolerates its absence.
"""

from __future__ import annotations

import gc
import sys


def skip_unused_imports() -> None:
    """Spare this process the imports that cost a second and serve nothing. Harmless when called twice or late."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None is how Python blocks an import


def collect_rarely() -> None:
    """Let the collector of cycles look every 50,000 new objects instead of every 700, and at all of them as much rarer.

    Answers are trees of dicts, in which it finds nothing: of 5,000 pods' it took as long as all the rest. For processes
    that are ours alone; a library does not decide this for the notebook it is used in.
    """
    gc.set_threshold(50_000, 10, 10)
