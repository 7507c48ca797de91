"""What checking a ledger found: how far it holds, and where it differs from what was entered."""

from __future__ import annotations

from autodevops.domain.base import Noun


class Divergence(Noun):
    """One place where what is there is not what was entered. `seq` is None where no event is at fault."""

    where: str  # an event, an entry of the state, or a file, as a person would look for it
    what: str
    seq: int | None = None


class Verification(Noun):
    """`events` walked, from number `first` to `head`; `signed_until` is the newest head with a good signature."""

    source: str
    events: int = 0
    first: int = 0
    head: int = 0
    digest: str = ""
    segments: int = 0
    entries: int = 0
    bundles: int = 0
    files: int = 0
    elsewhere: int = 0  # bundles not looked at, for they are in a place that cannot be read from here
    unentered: tuple[str, ...] = ()  # bundles that no event names: older than the ledger, running, or slipped in
    signed_until: int = 0
    divergences: tuple[Divergence, ...] = ()  # the first found come first
    more: int = 0  # divergences beyond those listed

    @property
    def holds(self) -> bool:
        return not self.divergences
