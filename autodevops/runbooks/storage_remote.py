"""Bundles behind a URL: anything that fsspec reaches, with S3 through pyarrow, which is here already.

(s3fs, fsspec's own way to S3, cannot be installed beside a current `kubernetes`: they want different dateutils.)
Credentials and endpoints come from where these clients look for them, such as AWS_ACCESS_KEY_ID and AWS_ENDPOINT_URL.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from autodevops.domain.run import Run
from autodevops.kernel.errors import StorageFailed, UsageError
from autodevops.runbooks.bundle import MANIFEST
from autodevops.runbooks.storage import (
    BundleRef,
    Bundles,
    FolderBundles,
    checked,
    deliver,
    newest_first,
    no_such_file,
    parse_manifest,
)

T = TypeVar("T")

_AT_ONCE = 16  # requests to one storage
_S3 = {"s3", "s3a"}
# These write a whole object or nothing, and know no folders; elsewhere the manifest is renamed into place.
_OBJECT_STORES = _S3 | {"gs", "gcs", "az", "abfs", "abfss", "adl", "oss"}


def open_bundles(artifacts: str, staging: Path) -> Bundles:
    """The storage that `[scarlet] artifacts` names. Raises UsageError for one that cannot be had.

    For a URL, `staging` is the folder of running bundles and of those that are not delivered yet.
    """
    url = urlsplit(artifacts)
    if not url.scheme or "://" not in artifacts:
        return FolderBundles(Path(artifacts))
    if url.scheme == "file":
        return FolderBundles(Path(url.path))
    return Undelivered(FolderBundles(staging), FsspecBundles(artifacts))


def deliver_finished(artifacts: str, staging: Path) -> tuple[str, ...]:
    """Send what has ended to where `artifacts` says; what went wrong, in words. Nothing to do for a folder."""
    bundles = open_bundles(artifacts, staging)
    return deliver(bundles.local, bundles.target) if isinstance(bundles, Undelivered) else ()


class FsspecBundles:
    """`<url>/<runbook>/<run id>/`. Only finished bundles are put here."""

    distant = True

    def __init__(self, url: str) -> None:
        self.place = url.rstrip("/")
        self._fs, self._root = _file_system(self.place)
        self._objects = urlsplit(url).scheme in _OBJECT_STORES

    def refs(self) -> tuple[BundleRef, ...]:
        def listed(path: str) -> list[str]:
            try:
                entries = self._fs.ls(path, detail=True)
            except (FileNotFoundError, NotADirectoryError):
                return []
            names = [entry["name"].rstrip("/").rsplit("/", 1)[-1] for entry in entries if entry["type"] == "directory"]
            return [name for name in names if name and not name.startswith(".")]

        def found() -> tuple[BundleRef, ...]:
            self._fs.invalidate_cache()
            return newest_first(
                BundleRef(runbook, run) for runbook in listed(self._root) for run in listed(f"{self._root}/{runbook}")
            )

        return self._try("read", found)

    def manifest(self, ref: BundleRef) -> Run | None:
        try:
            content = self._try("read", lambda: self._fs.cat_file(self._path(ref, MANIFEST)))
        except FileNotFoundError:
            return None
        return parse_manifest(content, ref)

    def read(self, ref: BundleRef, name: str) -> bytes:
        try:
            content: bytes = self._try("read", lambda: self._fs.cat_file(self._path(ref, checked(name))))
        except (FileNotFoundError, IsADirectoryError) as error:
            raise no_such_file(ref, name) from error
        return content

    def names(self, ref: BundleRef) -> frozenset[str]:
        def found() -> frozenset[str]:
            self._fs.invalidate_cache()
            start = self._path(ref).strip("/") + "/"
            return frozenset(path.strip("/").removeprefix(start) for path in self._fs.find(self._path(ref)))

        try:
            return self._try("read", found)
        except FileNotFoundError:
            return frozenset()

    def put(self, ref: BundleRef, folder: Path) -> None:
        files = sorted(
            path
            for path in folder.rglob("*")
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        )
        others = [path for path in files if path != folder / MANIFEST]

        def send(path: Path) -> None:
            self._write(self._path(ref, path.relative_to(folder).as_posix()), path.read_bytes())

        def send_all() -> None:
            with ThreadPoolExecutor(_AT_ONCE if self._objects else 1, thread_name_prefix="deliver") as pool:
                list(pool.map(send, others))
            send(folder / MANIFEST)

        try:
            self._try("written", send_all)
        except FileNotFoundError as error:
            raise StorageFailed(
                f"{self.place} cannot be written: {' '.join(str(error).split())}.", "Make the bucket or folder first."
            ) from error

    def delete(self, ref: BundleRef) -> None:
        def remove() -> None:
            for path, options in ((self._path(ref, MANIFEST), {}), (self._path(ref), {"recursive": True})):
                try:
                    self._fs.rm(path, **options)
                except FileNotFoundError:
                    continue
            self._fs.invalidate_cache()

        self._try("removed", remove)

    def where(self, ref: BundleRef, name: str = "") -> str:
        return "/".join(part for part in (self.place, ref.runbook, ref.run_id, name) if part)

    def _path(self, ref: BundleRef, name: str = "") -> str:
        return "/".join(part for part in (self._root, checked(ref.runbook), checked(ref.run_id), name) if part)

    def _write(self, path: str, content: bytes) -> None:
        if self._objects:
            self._fs.pipe_file(path, content)
            return
        folder, _, name = path.rpartition("/")
        self._fs.makedirs(folder, exist_ok=True)
        temporary = f"{folder}/.{name}.new"
        self._fs.pipe_file(temporary, content)
        self._fs.mv(temporary, path)

    def _try(self, verb: str, work: Callable[[], T]) -> T:
        """The border to whatever is behind the URL: its clients raise all kinds of things."""
        try:
            return work()
        except (FileNotFoundError, IsADirectoryError, UsageError):
            raise
        except Exception as error:  # a client of somebody else's, named in the message
            said = " ".join(str(error).split())
            raise StorageFailed(
                f"{self.place} cannot be {verb}: {type(error).__name__}: {said[:300]}.",
                "Check the address, the credentials in the environment, and that it can be reached.",
            ) from error


class Undelivered:
    """A folder in front of another storage: what runs, or could not be delivered yet, and what has been."""

    distant = True

    def __init__(self, local: FolderBundles, target: Bundles) -> None:
        self.local = local
        self.target = target
        self.place = target.place

    def refs(self) -> tuple[BundleRef, ...]:
        return newest_first([*self.local.refs(), *self.target.refs()])

    def manifest(self, ref: BundleRef) -> Run | None:
        return self.local.manifest(ref) or self.target.manifest(ref)

    def read(self, ref: BundleRef, name: str) -> bytes:
        return self._holder(ref).read(ref, name)

    def names(self, ref: BundleRef) -> frozenset[str]:
        return self._holder(ref).names(ref)

    def put(self, ref: BundleRef, folder: Path) -> None:
        self.target.put(ref, folder)

    def delete(self, ref: BundleRef) -> None:
        self.target.delete(ref)
        self.local.delete(ref)

    def where(self, ref: BundleRef, name: str = "") -> str:
        return self._holder(ref).where(ref, name)

    def _holder(self, ref: BundleRef) -> Bundles:
        return self.local if self.local.manifest(ref) is not None else self.target


def manifests(bundles: Bundles, refs: Iterable[BundleRef]) -> Iterator[tuple[BundleRef, Run]]:
    """The manifests of `refs` in their order, those that can be read. Lazy: who takes few, reads few."""

    def read(ref: BundleRef) -> tuple[BundleRef, Run] | None:
        run = bundles.manifest(ref)
        return (ref, run) if run is not None else None

    return each(bundles, refs, read)


def each(bundles: Bundles, refs: Iterable[BundleRef], look: Callable[[BundleRef], T | None]) -> Iterator[T]:
    """What `look` finds at `refs`, in their order; several at once where the place is distant. Lazy."""
    if not bundles.distant:
        yield from filter(None, map(look, refs))
        return
    left = iter(refs)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="bundles") as pool:
        while batch := list(islice(left, _AT_ONCE)):
            yield from filter(None, pool.map(look, batch))


def _file_system(url: str) -> tuple[Any, str]:
    """fsspec's file system for the URL, and the path in it."""
    import fsspec
    from fsspec.core import url_to_fs

    scheme = urlsplit(url).scheme
    try:
        if scheme in _S3:
            return _s3(), url.partition("://")[2]
        fs, root = url_to_fs(url, use_listings_cache=False, skip_instance_cache=True)
    except ImportError as error:
        raise UsageError(f"Bundles in {url} need another package: {error}.", "Install it beside autodevops.") from error
    except ValueError as error:
        known = ", ".join(sorted(name for name in fsspec.available_protocols() if len(name) < 8)[:20])
        raise UsageError(f"{url} is no address for bundles: {error}.", f"Known are s3, {known}, ...") from error
    return fs, str(root).rstrip("/")


def _s3() -> Any:
    from fsspec.implementations.arrow import ArrowFSWrapper
    from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    options: dict[str, Any] = {"retry_strategy": AwsStandardS3RetryStrategy(max_attempts=3), "connect_timeout": 5}
    if endpoint:
        options.update(endpoint_override=endpoint, scheme=urlsplit(endpoint).scheme or "https")
    if region := os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"):
        options["region"] = region
    return ArrowFSWrapper(S3FileSystem(request_timeout=20, **options), skip_instance_cache=True)
