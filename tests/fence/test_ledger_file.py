from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from fence.ledger_content import ABSENT, Content
from fence.ledger_file import BRANCHES_MAX, LedgerFile


def test_without_a_file_the_ledger_is_empty_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with LedgerFile(str(path), create=False) as ledger:
        assert not ledger.known
    assert not path.exists()


def test_recorded_branches_are_read_again(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger")
    branches = {"one": Content.of(b"a\n"), "two": Content.of(b"b")}
    with LedgerFile(path, create=True) as ledger:
        assert not ledger.known
        ledger.commit(branches)
    with LedgerFile(path, create=False) as ledger:
        assert ledger.known
        assert ledger.branches == branches
        assert ledger.intent is None


def test_the_newest_branches_are_kept(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger")
    branches = {f"b{number}": Content.of(b"x" * number) for number in range(BRANCHES_MAX + 3)}
    with LedgerFile(path, create=True) as ledger:
        ledger.commit(branches)
    with LedgerFile(path, create=False) as ledger:
        assert list(ledger.branches) == list(branches)[3:]


def test_as_many_branches_as_documented_fit_into_a_record(tmp_path: Path) -> None:
    assert BRANCHES_MAX == 8
    large = Content(True, 1 << 62, 1 << 62, *("f" * 32 for _ in range(3)))
    with LedgerFile(str(tmp_path / "ledger"), create=True) as ledger:
        for number in range(BRANCHES_MAX + 1):
            name = f"b{10**9 + number}.{10**19 + number}"
            ledger.commit({**ledger.branches, name: large})
            ledger.intend_rewrite(large, "x" * 4000)
        assert len(ledger.branches) == 8
    with LedgerFile(str(tmp_path / "ledger"), create=False) as again:
        assert again.branches == ledger.branches


def test_a_ledger_may_have_the_lowest_descriptor(tmp_path: Path) -> None:
    """A process without a standard input gets 0 for the next file that it opens."""
    kept = os.dup(0)
    os.close(0)
    try:
        with LedgerFile(str(tmp_path / "ledger"), create=True) as ledger:
            assert os.readlink("/proc/self/fd/0") == str(tmp_path / "ledger")
            ledger.commit({})
        assert not os.path.lexists("/proc/self/fd/0")
    finally:
        os.dup2(kept, 0)
        os.close(kept)


def test_no_name_is_reused_even_in_a_new_file(tmp_path: Path) -> None:
    names = []
    for number in range(2):
        path = str(tmp_path / f"ledger{number}")
        with LedgerFile(path, create=True) as ledger:
            names.append(ledger.next_name)
            ledger.commit({})
            names.append(ledger.next_name)
    assert len(set(names)) == 4


def test_an_intent_stays_until_the_next_commit(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger")
    with LedgerFile(path, create=True) as ledger:
        ledger.commit({"one": Content.of(b"a\n")})
        ledger.intend_append(b"b\n")
    with LedgerFile(path, create=False) as ledger:
        assert ledger.intent is not None
        assert ledger.intent.payload == b"b\n"
        assert ledger.branches == {"one": Content.of(b"a\n")}
        ledger.commit({"one": Content.of(b"a\nb\n")})
    with LedgerFile(path, create=False) as ledger:
        assert ledger.intent is None
        assert ledger.branches == {"one": Content.of(b"a\nb\n")}
        ledger.intend_rewrite(Content.of(b"c\n"), "/folder/aside")
    with LedgerFile(path, create=False) as ledger:
        assert ledger.intent is not None
        assert ledger.intent.new == Content.of(b"c\n")
        assert ledger.intent.aside == "/folder/aside"


def _commit_torn(path: str, monkeypatch: pytest.MonkeyPatch, branches: dict[str, Content], part: int) -> None:
    """Commit a record of which only a part is written."""
    real = os.pwrite

    def full(fd: int, data: bytes, at: int) -> int:
        real(fd, bytes(data)[:part], at)
        raise OSError(28, "no space")

    with LedgerFile(path, create=False) as ledger, monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="no space"):
            ledger.commit(branches)


@pytest.mark.parametrize("part", [0, 1, 40, 100])
@pytest.mark.parametrize("records", [1, 2, 3])
def test_a_torn_record_leaves_the_one_before_it(
    part: int, records: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "ledger")
    last = {}
    for number in range(records):
        with LedgerFile(path, create=True) as ledger:
            last = {"one": Content.of(b"a\n" * number)}
            ledger.intend_append(b"a\n")
            ledger.commit(last)
    for _ in range(2):
        _commit_torn(path, monkeypatch, {"one": Content.of(b"torn")}, part)
        with LedgerFile(path, create=False) as ledger:
            assert ledger.known
            assert ledger.branches == last
            assert ledger.intent is None
    with LedgerFile(path, create=False) as ledger:
        ledger.commit({"two": ABSENT})
    with LedgerFile(path, create=False) as ledger:
        assert ledger.branches == {"two": ABSENT}


def test_a_record_torn_by_a_death_leaves_the_intent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "ledger")
    with LedgerFile(path, create=True) as ledger:
        ledger.commit({"one": Content.of(b"a\n")})
        ledger.intend_append(b"b\n")
    for _ in range(2):
        _commit_torn(path, monkeypatch, {"one": Content.of(b"a\nb\n")}, 100)
        with LedgerFile(path, create=False) as ledger:
            assert ledger.known
            assert ledger.intent is not None
            assert ledger.branches == {"one": Content.of(b"a\n")}


@pytest.mark.parametrize("length", [4096, 5000, 6145])
def test_an_intent_torn_by_a_death_is_ignored(length: int, tmp_path: Path) -> None:
    path = str(tmp_path / "ledger")
    with LedgerFile(path, create=True) as ledger:
        ledger.commit({"one": Content.of(b"a\n")})
        ledger.intend_append(b"b\n")
    os.truncate(path, length)
    with LedgerFile(path, create=False) as ledger:
        assert ledger.intent is None
        assert ledger.branches == {"one": Content.of(b"a\n")}
        ledger.intend_append(b"c\n")
    with LedgerFile(path, create=False) as ledger:
        assert ledger.intent is not None
        assert ledger.intent.payload == b"c\n"


def test_a_damaged_ledger_is_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    path.write_bytes(b"x" * 5000)
    with LedgerFile(str(path), create=False) as ledger:
        assert not ledger.known
        assert ledger.branches == {}


def _of_format_1(sequence: int, payload: bytes = b"") -> bytes:
    """Return a record as format 1 had it, with an intent to append `payload`."""

    def hashed(data: bytes) -> str:
        return hashlib.blake2b(data, digest_size=16).hexdigest()

    record: dict[str, Any] = {
        "sequence": sequence,
        "branches": {f"b{sequence}.1": [True, 2, hashed(b"a"), ""]},
    }
    if payload:
        record["intent"] = {"length": len(payload), "payload": hashed(payload)}
    text = json.dumps(record, separators=(",", ":")).encode()
    return (hashed(text).encode() + text).ljust(2048) + payload


def test_a_ledger_of_another_format_is_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    path.write_bytes(_of_format_1(8) + _of_format_1(9) + _of_format_1(10, b"b\n"))
    with LedgerFile(str(path), create=False) as ledger:
        assert not ledger.known
        assert (ledger.branches, ledger.intent) == ({}, None)
        ledger.commit({"one": Content.of(b"a\n")})
    with LedgerFile(str(path), create=False) as ledger:
        assert ledger.known
        assert (ledger.branches, ledger.intent) == ({"one": Content.of(b"a\n")}, None)


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "ledger")
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real(fd, bytes(data)[:700], at))
    with LedgerFile(path, create=True) as ledger:
        ledger.commit({"one": Content.of(b"a\n")})
        ledger.intend_append(b"b\n" * 1000)
    with LedgerFile(path, create=False) as ledger:
        assert ledger.intent is not None
        assert ledger.intent.payload == b"b\n" * 1000
