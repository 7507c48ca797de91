"""A file is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from autodevops.kernel.files import appearing


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with appearing(path) as file:
        file.write(b"1")
        assert not path.exists()
    assert path.read_bytes() == b"1"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_who_fails_while_writing_leaves_what_was_there(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"before")

    def write() -> None:
        with appearing(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        write()
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
