"""The investigation engine: gather, judge, weigh, conclude. Reads the world through evidence, never changes it."""

from autodevops.investigation.engine import investigate
from autodevops.investigation.request import Request

__all__ = ["Request", "investigate"]
