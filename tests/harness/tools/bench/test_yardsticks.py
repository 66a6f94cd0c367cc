"""Plain turns restore the file, and one of the yardsticks reads the content again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.tools.bench.yardsticks import ContentYardstick, PlainYardstick

_CONTENT = b"x" * 63 + b"\n"


@pytest.mark.parametrize("kind", [PlainYardstick, ContentYardstick])
def test_a_run_restores_the_file_and_the_end_removes_it(kind: type[PlainYardstick], tmp_path: Path) -> None:
    with kind(_CONTENT * 10, 3, str(tmp_path)) as yardstick:
        spent = yardstick.run()
        (folder,) = tmp_path.iterdir()
        assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [
            ("transcript.jsonl", _CONTENT * 10)
        ]
    assert spent.cpu_ns > 0
    assert spent.wall_ns > 0
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("kind", "reads"), [(PlainYardstick, 1), (ContentYardstick, 2)])
def test_the_content_yardstick_reads_the_file_once_more(
    kind: type[PlainYardstick], reads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def noted(path: str) -> bytes:
        read.append(path)
        return _CONTENT

    monkeypatch.setattr("harness.tools.bench.yardsticks._read", noted)
    with kind(_CONTENT, 5, str(tmp_path)) as yardstick:
        yardstick.run()
    assert len(read) == 5 * reads
