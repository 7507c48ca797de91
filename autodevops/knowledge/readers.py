"""What files and pages say, as Markdown: Markdown and text as they are, notebooks, HTML, PDF.

A notebook's outputs are left out: they are data of the day, not knowledge. Heavy readers are imported when their kind
of file comes.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from autodevops.kernel.errors import UsageError


@dataclass(frozen=True)
class Page:
    title: str  # as the file gives it; empty where it has none
    markdown: str


Reader: TypeAlias = Callable[[bytes, str], Page]
PDF_PAGES = 2000


def plain(data: bytes, name: str) -> Page:
    if b"\0" in data:
        raise UsageError(f"{name} is not text: it has null bytes in it.", "Add Markdown, notebooks, HTML or PDF.")
    try:
        return Page("", data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{name} is not text in UTF-8: {error.reason} at byte {error.start}.", "Save it as UTF-8."
        ) from error


def notebook(data: bytes, name: str) -> Page:
    import nbformat

    try:
        read = nbformat.reads(plain(data, name).markdown, as_version=4)
    except UsageError:
        raise
    except Exception as error:  # nbformat raises what json, jsonschema and its own upgrades raise
        raise UsageError(f"{name} is no notebook: {str(error)[:120]}.", "Open and save it in JupyterLab.") from error
    parts = [
        f"```python\n{cell.source}\n```" if cell.cell_type == "code" else cell.source
        for cell in read.cells
        if cell.source.strip()
    ]
    return Page("", "\n\n".join(parts))


def html(data: bytes, name: str) -> Page:
    """The page's main part, without menus, scripts and forms."""
    from bs4 import BeautifulSoup
    from markdownify import MarkdownConverter

    soup = BeautifulSoup(data, "html.parser")
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    for tag in soup(
        ["script", "style", "noscript", "template", "svg", "nav", "header", "footer", "aside", "form", "iframe"]
    ):
        tag.decompose()
    main = soup.find("main") or soup.find("article") or soup.body or soup
    converter = MarkdownConverter(heading_style="ATX", strip=["a", "img"], bullets="-")
    return Page(title, str(converter.convert_soup(main)))


def pdf(data: bytes, name: str) -> Page:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise UsageError(f"{name} is encrypted.", "Add a copy without a password.")
        if len(reader.pages) > PDF_PAGES:
            raise UsageError(f"{name} has {len(reader.pages)} pages; {PDF_PAGES} is the most I read.", "Split it.")
        texts = [page.extract_text() for page in reader.pages]
        title = str(reader.metadata.title or "") if reader.metadata else ""
    except (PyPdfError, ValueError, KeyError, TypeError, RecursionError, OSError) as error:
        raise UsageError(f"{name} is no PDF that can be read: {str(error)[:120]}.", "Print it to PDF again.") from error
    pages = [f"## Page {number}\n\n{text}" for number, text in enumerate(texts, 1) if text.strip()]
    if not pages:
        raise UsageError(f"{name} has no text in it, only pictures of it.", "Run it through text recognition first.")
    return Page(title, "\n\n".join(pages))


BY_SUFFIX: dict[str, Reader] = {
    ".md": plain,
    ".markdown": plain,
    ".txt": plain,
    ".rst": plain,
    ".ipynb": notebook,
    ".html": html,
    ".htm": html,
    ".pdf": pdf,
}
BY_TYPE: dict[str, Reader] = {
    "text/markdown": plain,
    "text/plain": plain,
    "text/html": html,
    "application/xhtml+xml": html,
    "application/pdf": pdf,
    "application/x-ipynb+json": notebook,
}
