"""What came of earlier actions, read from the ledger: by signature for confidence, by kind for permissions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import cast

from autodevops.domain.outcome import Result
from autodevops.policy.experience import Experience, fold
from autodevops.stores.ledger import Ledger


@dataclass(frozen=True)
class Record:
    """By what an operation was for, and by what kind of action it was; whoever asked for it."""

    by_signature: dict[str, Experience]
    by_kind: dict[str, Experience]

    def of_signature(self, signature: str) -> Experience:
        return self.by_signature.get(signature, Experience())

    def of_kind(self, kind: str) -> Experience:
        return self.by_kind.get(kind, Experience())


def read_record(ledger: Ledger) -> Record:
    signatures: dict[str, list[Result]] = defaultdict(list)
    kinds: dict[str, list[Result]] = defaultdict(list)
    for event in ledger.events(kind="action"):
        if event.what != "closed":
            continue
        result = cast(Result, event.data.get("result"))
        signatures[str(event.data.get("signature"))].append(result)
        kinds[str(event.data.get("action"))].append(result)
    return Record(
        by_signature={name: fold(results) for name, results in signatures.items()},
        by_kind={name: fold(results) for name, results in kinds.items()},
    )
