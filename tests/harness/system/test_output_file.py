"""Files are written whole or not at all, and a name that is no file is not replaced."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.model.errors import StoreError
from harness.system import output_file
from harness.system.output_file import OutputFile, append_to, is_temporary, write_whole


@pytest.mark.parametrize("nameless", [True, False], ids=["without a name", "with a name"])
def test_an_interrupt_leaves_the_earlier_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nameless: bool
) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    if not nameless:
        monkeypatch.setattr(output_file, "_DESCRIPTORS", "/nowhere")
    write_whole(str(path), b"after")
    assert path.read_text() == "after"

    def interrupted(_source: str, _target: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(str(path), b"later")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("file", "after")]


def test_names_of_unfinished_files_differ_and_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(os, "replace", lambda source, _: seen.append(os.path.basename(source)))
    for _ in range(2):
        write_whole(str(tmp_path / ("n" * 250)), b"")
    assert len(set(seen)) == 2
    assert all(map(is_temporary, seen))
    assert not is_temporary("file.tmp")


def test_a_link_in_place_of_an_unfinished_file_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Even one of the very name that was drawn.
    monkeypatch.setattr(output_file, "_DESCRIPTORS", "/nowhere")
    monkeypatch.setattr(output_file.secrets, "token_hex", lambda _: "0" * 16)
    target = tmp_path / "target"
    target.write_text("mine")
    (tmp_path / f"file.{'0' * 16}.tmp").symlink_to(target)
    with pytest.raises(StoreError, match="File exists"):
        write_whole(str(tmp_path / "file"), b"data")
    assert target.read_text() == "mine"


def test_a_descriptor_of_a_plain_file_is_written_to(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        for _ in range(2):
            with OutputFile(f"/dev/fd/{file.fileno()}") as out:
                assert out.is_stream
                out.write(b"text")
    assert path.read_text() == "texttext"


def test_appending_waits_for_no_reader(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(StoreError, match="no process reads this FIFO"):
        append_to(str(fifo), b"data")
    append_to(str(tmp_path / "new"), b"one")
    append_to(str(tmp_path / "new"), b"two")
    assert (tmp_path / "new").read_text() == "onetwo"
