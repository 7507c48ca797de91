"""The browser that all tests of this folder share."""

from visits import chromium

__all__ = ["chromium"]
