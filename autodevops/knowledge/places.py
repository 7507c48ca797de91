"""What lies at a path or an address, as documents: a file, the files of a folder, one web page.

Each file succeeds or fails by itself (`Unread`). Secrets are masked before anything is returned, and an address is
kept without the user, password and query that may have been in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from autodevops.analysis.redaction import redact_text
from autodevops.domain.base import UtcDatetime
from autodevops.domain.memory import Document
from autodevops.kernel.clock import monotonic_ms
from autodevops.kernel.errors import UsageError
from autodevops.knowledge.readers import BY_SUFFIX, BY_TYPE, Page, Reader
from autodevops.knowledge.sections import documents_of

MOST_BYTES = 20_000_000
MOST_FILES = 5_000
MOST_REDIRECTS = 5
PAGE_SECONDS = 30.0  # for all of a page, however slowly it drips
LEFT_OUT = {"node_modules", "__pycache__"}


@dataclass(frozen=True)
class Read:
    source: str
    documents: tuple[Document, ...]


@dataclass(frozen=True)
class Unread:
    source: str
    error: UsageError


def is_address(place: str) -> bool:
    return "://" in place


def source_of(place: str) -> str:
    """How the memory names it: an absolute path, or an address without what may be secret in it."""
    if not is_address(place):
        return str(Path(place).expanduser().resolve())
    parts = urlsplit(place)
    host = parts.hostname or ""
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise UsageError(f"{place} is no address: {error}.", "Write it as https://HOST/PATH.") from error
    return redact_text(
        urlunsplit((parts.scheme.lower(), f"[{host}]{port}" if ":" in host else host + port, parts.path, "", ""))
    )


def read(place: str, *, now: UtcDatetime, salt: str = "") -> Iterator[Read | Unread]:
    """Raises UsageError when there is nothing at all at that place."""
    if is_address(place):
        yield _attempt(source_of(place), lambda: _fetched(place), now, salt)
        return
    path = Path(source_of(place))
    if path.is_dir():
        files = list(_files(path))
        if not files:
            known = ", ".join(sorted(BY_SUFFIX))
            raise UsageError(f"The folder {path} has no files I can read.", f"I read {known}.")
        for file in files:
            yield _attempt(str(file), partial(_from_file, file), now, salt)
    elif path.is_file():
        yield _attempt(str(path), lambda: _from_file(path), now, salt)
    else:
        raise UsageError(f"There is no file or folder {place}.", "Check the path, or give an http(s) address.")


def _attempt(source: str, get: Callable[[], Page], now: UtcDatetime, salt: str) -> Read | Unread:
    try:
        page = get()
        text = redact_text(page.markdown, salt)
        title = redact_text(page.title, salt) or _first_heading(text) or Path(urlsplit(source).path).stem or source
        documents = documents_of(text, source=source, title=title, at=now)
        if not documents:
            raise UsageError(f"{source} has no text in it.", "Look whether it is the right file.")
    except UsageError as error:
        return Unread(source, error)
    except OSError as error:
        return Unread(source, UsageError(f"{source} cannot be read: {error.strerror}.", "Check that you may read it."))
    return Read(source, documents)


def _first_heading(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return first.lstrip("# ").strip() if first.startswith("#") else ""


def _files(folder: Path) -> Iterator[Path]:
    """Those that can be read, in order; hidden ones and links out of the folder are left out."""
    count = 0
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if any(part.startswith(".") or part in LEFT_OUT for part in parts) or path.is_symlink():
            continue
        if path.suffix.lower() in BY_SUFFIX and path.is_file():
            count += 1
            if count > MOST_FILES:
                raise UsageError(f"{folder} has more than {MOST_FILES} files.", "Add its parts one by one.")
            yield path


def _from_file(path: Path) -> Page:
    reader = BY_SUFFIX.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(BY_SUFFIX))
        raise UsageError(f"{path} is of a kind I cannot read ({path.suffix or 'no suffix'}).", f"I read {known}.")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise UsageError(f"{path} has {size / 1e6:.0f} MB; {MOST_BYTES / 1e6:.0f} MB is the most I read.", "Split it.")
    return reader(path.read_bytes(), str(path))


def _fetched(address: str) -> Page:
    import httpx

    name = source_of(address)
    if urlsplit(address).scheme.lower() not in {"http", "https"} or not urlsplit(address).hostname:
        raise UsageError(f"{name} is no http(s) address.", "Give one, or a path.")
    until = monotonic_ms() + PAGE_SECONDS * 1000.0
    try:
        with (
            httpx.Client(follow_redirects=True, max_redirects=MOST_REDIRECTS, timeout=10.0) as client,
            client.stream("GET", address, headers={"Accept": ", ".join(BY_TYPE)}) as answer,
        ):
            if answer.status_code != 200:
                raise UsageError(
                    f"{name} answers {answer.status_code} {answer.reason_phrase}.", "Open it in a browser."
                )
            reader = _reader(answer.headers.get("content-type", ""), name)
            data = bytearray()
            for piece in answer.iter_bytes():
                data += piece
                if len(data) > MOST_BYTES:
                    raise UsageError(f"{name} is larger than {MOST_BYTES / 1e6:.0f} MB.", "Save the part you need.")
                if monotonic_ms() > until:
                    raise UsageError(f"{name} took longer than {PAGE_SECONDS:.0f} s.", "Save it and add the file.")
    except httpx.UnsupportedProtocol as error:
        raise UsageError(
            f"{name} leads to something that is no http(s) address.", "Give the address it means."
        ) from error
    except httpx.TooManyRedirects as error:
        raise UsageError(f"{name} leads from one address to the next.", "Give the last one.") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UsageError(f"{name} cannot be read: {error or type(error).__name__}.", "Open it in a browser.") from error
    return reader(bytes(data), name)


def _reader(content_type: str, name: str) -> Reader:
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in BY_TYPE:
        raise UsageError(f"{name} is {kind or 'of no stated kind'}.", f"I read {', '.join(sorted(BY_TYPE))}.")
    return BY_TYPE[kind]
