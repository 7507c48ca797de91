"""What every entry point does before it imports anything heavy.

jsonschema imports `rfc3987_syntax` when it is installed, and that compiles a grammar for one second. It serves the
`iri` and `iri-reference` format checks alone, which nothing here uses; jsonschema tolerates its absence.
"""

from __future__ import annotations

import sys


def skip_unused_imports() -> None:
    """Spare this process the imports that cost a second and serve nothing. Harmless when called twice or late."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None is how Python blocks an import
