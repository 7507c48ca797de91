"""Bundles as `audit verify` reads them: by `<runbook>/<run id>`, wherever they lie."""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.runbooks.storage import BundleRef, Bundles


class AuditedBundles:
    """What `stores.verify_bundles.BundleFiles` asks of a place, answered by any storage."""

    def __init__(self, bundles: Bundles) -> None:
        self._bundles = bundles
        self.place = bundles.place

    def bundles(self) -> Iterable[str]:
        return (str(ref) for ref in self._bundles.refs() if self._bundles.manifest(ref) is not None)

    def names(self, bundle: str) -> frozenset[str]:
        return self._bundles.names(_ref(bundle))

    def read(self, bundle: str, name: str) -> bytes:
        return self._bundles.read(_ref(bundle), name)


def _ref(bundle: str) -> BundleRef:
    runbook, _, run_id = bundle.partition("/")
    return BundleRef(runbook, run_id)
