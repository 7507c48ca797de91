"""The browser that all tests of this folder share."""

from browser.visits import chromium

__all__ = ["chromium"]
