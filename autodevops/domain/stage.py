"""How far a change is. By itself, because whoever only shows changes needs none of the nouns of making them."""

from __future__ import annotations

from typing import Literal

Stage = Literal[
    "proposed",  # nothing but asked for
    "planned",  # pre-state and dry run are saved
    "awaiting",  # people are asked
    "cleared",  # decided or approved: may be done
    "admitted",  # counted in the budgets, in flight
    "intended",  # written before the change is sent: from here on it may have happened
    "applied",
    "settled",
    "undoing",  # written before the undo is sent
    "closed",
]
