"""Markdown in a terminal: blocks come out the same however the text comes in, and a command stays one line."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from autodevops.cli.markdown import Blocks, print_block

COMMAND = "kubectl -n shop rollout undo deployment/payment --to-revision=4"
PARTS = st.sampled_from(
    [
        "**Payment** fails.",
        "1. one\n2. two",
        "- a\n\n  more of a\n- b",
        "```sh\n# why\n\nkubectl get pods\n```",
        "````\n```\n\nx\n````",
        "| a | b |\n|---|---|\n| 1 | 2 |",
    ]
)


def blocks_of(pieces: list[str]) -> list[str]:
    blocks = Blocks()
    return [block for piece in pieces for block in blocks.feed(piece)] + blocks.close()


@given(st.lists(PARTS, max_size=5), st.integers(1, 7))
def test_blocks_do_not_depend_on_the_pieces_they_came_in(parts: list[str], size: int) -> None:
    text = "\n\n".join(parts)
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert blocks_of(pieces) == blocks_of([text]) == parts


@given(st.text("ab \n`~-1.", max_size=60), st.integers(1, 7))
def test_nothing_gets_lost(text: str, size: int) -> None:
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert "".join("".join(blocks_of(pieces)).split()) == "".join(text.split())


def test_a_command_is_one_line_in_40_columns() -> None:
    out = io.StringIO()
    print_block(Console(file=out, width=40, force_terminal=True, no_color=True), f"Roll back:\n\n```sh\n{COMMAND}\n```")
    assert COMMAND in out.getvalue().splitlines()[-1]
