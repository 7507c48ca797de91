"""The picture or page that every twin is, the colours that all share, and values as people read them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime

from autodevops.kernel.picture import cut, element, esc, plain, px

COLOURS = 8

LIGHT = (
    "--bg:#fff;--sunken:#f6f7f9;--line:#d9dee5;--text:#1b1f26;--soft:#5a6372;--bad:#c4302b;--badbg:#fdeceb;--warn:#8f5a00;"
    "--accent:#3f54d1;--c0:#3b6fe0;--c1:#d06a10;--c2:#0b8f7f;--c3:#8457e6;--c4:#c7388f;--c5:#6d7d0c;--c6:#0a83ab;--c7:#96613f"
)
DARK = (
    "--bg:#16191f;--sunken:#1d2129;--line:#39404c;--text:#e7eaef;--soft:#a3abb8;--bad:#ff7b72;--badbg:#3a1d1f;--warn:#e7b450;"
    "--accent:#8b9aff;--c0:#76a2ff;--c1:#f2a35a;--c2:#45c7b5;--c3:#b59aff;--c4:#f47fc4;--c5:#b8cc4a;--c6:#55c6ea;--c7:#d3a582"
)
FONT = 'system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif'
# JupyterLab's theme wins over the system's, whichever way they differ.
PALETTE = (
    f".adt{{{LIGHT};color:var(--text);background:var(--bg);font:13px/1.5 {FONT}}}"
    f"@media(prefers-color-scheme:dark){{.adt{{{DARK}}}}}"
    f'[data-jp-theme-light="true"] .adt{{{LIGHT}}}[data-jp-theme-light="false"] .adt{{{DARK}}}'
    + "".join(f".adt .k{n}{{--c:var(--c{n})}}" for n in range(COLOURS))
)


def scoped(style: str, kind: str) -> str:
    """Rules for one kind of twin: several stand in one page, and a style element speaks to all of it."""
    return style.replace(".adt ", f".adt-{kind} ").replace(".adt{", f".adt-{kind}{{")


def svg(width: float, height: float, kind: str, style: str, label: str, parts: Iterable[str]) -> str:
    """A picture that scales down to the page's width. `label` is its text for those who do not see it."""
    shared = ".adt text{fill:var(--text);font-size:12px}.adt .soft{fill:var(--soft)}"
    return element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": f"adt adt-{kind}",
            "viewBox": f"0 0 {px(width)} {px(height)}",
            "width": px(width),
            "height": px(height),
            "style": "max-width:100%;height:auto",
            "role": "img",
            "aria-label": cut(plain(label), 600),
        },
        element("style", {}, PALETTE, scoped(shared + style, kind)),
        f'<rect width="{px(width)}" height="{px(height)}" style="fill:var(--bg)"/>',
        *parts,
    )


def page(title: str, style: str, inside: str) -> str:
    """A whole document, without scripts, of which nothing is loaded from elsewhere; `style` and `inside` are markup."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{esc(title)}</title>\n<style>\n{style}\n</style>\n</head>\n"
        f"<body>\n<h1>{esc(title)}</h1>\n<main>\n{inside}\n</main>\n</body>\n</html>\n"
    )


def moment(at: datetime | float, *, day: bool = True) -> str:
    shown = datetime.fromtimestamp(at, UTC) if isinstance(at, float | int) else at
    return f"{shown:%Y-%m-%d %H:%M:%S}" if day else f"{shown:%H:%M:%S}"


def milliseconds(value: float) -> str:
    if value < 1:
        return f"{value:.2f} ms"
    if value < 1000:
        return f"{value:.0f} ms"
    return f"{value / 1000:.2f} s" if value < 60_000 else f"{value / 60_000:.1f} min"


def quantity(value: float, unit: str) -> str:
    """A value with its UCUM-like unit: `35 %`, `120 ms`, `1.5 GiB`, `12.3 k/s`."""
    if not math.isfinite(value):
        return str(value)
    if unit == "1":
        return f"{value * 100:.3g} %"
    if unit in {"s", "ms"}:
        sign = "−" if value < 0 else ""
        return "0" if value == 0 else sign + milliseconds(abs(value) * (1000 if unit == "s" else 1))
    bytes_ = unit.startswith("By")
    base, steps = (1024.0, ("", "Ki", "Mi", "Gi", "Ti")) if bytes_ else (1000.0, ("", "k", "M", "G", "T"))
    power = 0
    while abs(value) >= base and power < len(steps) - 1:
        value /= base
        power += 1
    rate = "/" + unit.partition("/")[2] if "/" in unit else ""
    word = f"{steps[power]}B" if bytes_ else steps[power]
    return f"{value:.3g}{' ' if word else ''}{word}{rate}"


def level(severity: str) -> str:
    """`error | warn | info | debug | other`, whatever the source called it."""
    word = severity.lower()
    if word.startswith(("fatal", "crit", "emerg", "panic", "err")):
        return "error"
    if word.startswith("warn"):
        return "warn"
    if word.startswith(("info", "notice")):
        return "info"
    return "debug" if word.startswith(("debug", "trace")) else "other"
