"""Frozen nouns of the field, one file each. No I/O, no rendering, no clock.

Names are the field's (see docs/architecture.md): `Evidence`, `Finding`, `Hypothesis`, `Alert`, ...
"""
