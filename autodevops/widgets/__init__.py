"""The Python side of our widgets. They know the domain's nouns and the event stream, and nothing of who answers."""

from pathlib import Path

STATIC = Path(__file__).parent / "static"
