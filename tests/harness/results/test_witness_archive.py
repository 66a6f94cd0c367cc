from __future__ import annotations

import io
import lzma
import os
import tarfile
from pathlib import Path

import pytest

from harness.model.errors import FormatError
from harness.results import witness_archive
from harness.results.witness_archive import content, encode, members, split
from harness.system.bounded_read import TooLargeError

FILES = {"b.json": b"second", "a.json": b"first", "a-long-name.json": b""}


@pytest.fixture
def archive(tmp_path: Path) -> str:
    path = tmp_path / "found.tar.xz"
    path.write_bytes(encode(FILES))
    return str(path)


def packed(path: Path, *headers: tuple[tarfile.TarInfo, bytes]) -> str:
    unpacked = io.BytesIO()
    with tarfile.open(fileobj=unpacked, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for header, data in headers:
            header.size = header.size or len(data)
            archive.addfile(header, io.BytesIO(data))
    path.write_bytes(lzma.compress(unpacked.getvalue()))
    return str(path)


def header(name: str, **fields: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(made, field, value)
    return made


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("results/a.tar.xz:b.json", ("results/a.tar.xz", "b.json")),
        ("results/a.tar.xz", ("results/a.tar.xz", "")),
        ("results/a.tar.xz:", ("results/a.tar.xz", "")),
        ("a.tar.xz:b.tar.xz:c", ("a.tar.xz", "b.tar.xz:c")),
        ("a.json", None),
        ("a:b.json", None),
        ("a.tar:b.json", None),
        ("", None),
    ],
)
def test_a_path_names_an_archive_and_its_member(path: str, named: tuple[str, str] | None) -> None:
    assert split(path) == named


def test_a_member_has_the_bytes_that_were_packed(archive: str) -> None:
    assert {name: content(f"{archive}:{name}", 10) for name in FILES} == FILES
    assert members(archive) == FILES


def test_a_file_outside_of_archives_is_read_as_before(tmp_path: Path) -> None:
    path = tmp_path / "alone.json"
    path.write_bytes(b"alone")
    assert content(str(path), 5) == b"alone"
    with pytest.raises(TooLargeError):
        content(str(path), 4)
    with pytest.raises(FileNotFoundError):
        content(str(tmp_path / "missing.tar.xz:a.json"), 4)


def test_equal_files_make_equal_bytes_without_owner_and_time() -> None:
    one = encode(FILES)
    assert one == encode(dict(sorted(FILES.items())))
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(one))) as archive:
        headers = archive.getmembers()
    assert [header.name for header in headers] == sorted(FILES)
    assert {(one.uid, one.gid, one.uname, one.gname, one.mtime, one.mode) for one in headers} == {
        (0, 0, "", "", 0, 0o644)
    }


def test_an_archive_alone_lists_its_members(archive: str) -> None:
    with pytest.raises(FormatError) as refused:
        content(archive, 10)
    lead, *listed = str(refused.value).splitlines()
    assert lead == f"{archive}: an archive, expected one of its 3 witnesses; give one of"
    assert listed == [f"  {archive}:{name}" for name in sorted(FILES)]


@pytest.mark.parametrize(
    ("name", "meant"), [("long", ["a-long-name.json"]), ("c.json", ["b.json", "a.json"]), ("zzz", [])]
)
def test_an_unknown_member_lists_those_that_come_near(archive: str, name: str, meant: list[str]) -> None:
    with pytest.raises(FormatError) as refused:
        content(f"{archive}:{name}", 10)
    lead, *listed = str(refused.value).splitlines()
    assert lead.startswith(f"{archive}: no witness {name!r} among its 3; give ")
    assert sorted(listed) == sorted(f"  {archive}:{one}" for one in meant)
    assert meant or lead.endswith(f"give {archive} alone to see them")


def test_a_long_list_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness_archive, "_LISTED_MAX", 2)
    path = packed(tmp_path / "a.tar.xz", *((header(f"{number}\x1b[1m"), b"") for number in range(5)))
    with pytest.raises(FormatError) as refused:
        content(path, 10)
    _, *listed = str(refused.value).splitlines()
    assert listed == [f"  {path}:'0\\x1b[1m'", f"  {path}:'1\\x1b[1m'", "  and 3 more"]


def test_more_than_the_limit_is_not_unpacked(archive: str, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked = len(lzma.decompress(Path(archive).read_bytes()))
    monkeypatch.setattr(witness_archive, "UNPACKED_BYTES_MAX", unpacked)
    assert members(archive) == FILES
    monkeypatch.setattr(witness_archive, "UNPACKED_BYTES_MAX", unpacked - 1)
    with pytest.raises(FormatError, match=f"unpacks to more than {unpacked - 1} bytes; unpack it"):
        content(f"{archive}:a.json", 10)
    monkeypatch.setattr(witness_archive, "UNPACKED_BYTES_MAX", os.path.getsize(archive) - 1)
    with pytest.raises(TooLargeError):
        content(f"{archive}:a.json", 10)


def test_a_huge_sparse_member_is_left_out(tmp_path: Path) -> None:
    huge = header("huge.json", pax_headers={"GNU.sparse.map": "0,0", "GNU.sparse.size": str(1 << 60)})
    path = packed(tmp_path / "a.tar.xz", (huge, b""), (header("a.json"), b"first"))
    assert members(path) == {"a.json": b"first"}


def test_links_and_folders_are_no_members(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    path = packed(
        tmp_path / "a.tar.xz",
        (header("link.json", type=tarfile.SYMTYPE, linkname=str(secret)), b""),
        (header("hard.json", type=tarfile.LNKTYPE, linkname=str(secret)), b""),
        (header("folder.json", type=tarfile.DIRTYPE), b""),
        (header("device.json", type=tarfile.CHRTYPE), b""),
        (header("../outside.json"), b"outside"),
    )
    assert members(path) == {"../outside.json": b"outside"}
    assert sorted(os.listdir(tmp_path)) == ["a.tar.xz", "secret"]


def test_an_archive_without_files_says_so(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.tar.xz")
    with pytest.raises(FormatError, match=r"a\.tar\.xz: holds no file; give the path of a witness"):
        content(f"{path}:a.json", 10)


def _nested() -> bytes:
    headers = b"".join(header("x", type=tarfile.XHDTYPE).tobuf() for _ in range(5000))
    return lzma.compress(headers)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cut off; expected a whole archive"),
        (b"no archive at all", "expected an archive that xz has packed"),
        (encode(FILES)[:-20], "cut off; expected a whole archive"),
        (lzma.compress(b"no tar" * 200), "expected a tar archive of witnesses"),
        (lzma.compress(b""), "expected a tar archive of witnesses"),
        (_nested(), "expected a tar archive of witnesses"),
    ],
    ids=["empty", "not packed", "cut", "no tar", "nothing", "nested"],
)
def test_a_damaged_archive_is_refused_with_its_name(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "a.tar.xz"
    path.write_bytes(data)
    with pytest.raises(FormatError, match=words) as refused:
        content(f"{path}:a.json", 10)
    assert str(refused.value).startswith(f"{path}: ")


def test_an_archive_that_wants_too_much_memory_is_refused(
    archive: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness_archive, "_DECODER_BYTES_MAX", 1 << 20)
    with pytest.raises(FormatError, match=r"Memory usage limit .*; expected an archive that xz has packed"):
        content(f"{archive}:a.json", 10)
