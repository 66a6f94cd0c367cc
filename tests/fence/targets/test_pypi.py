from __future__ import annotations

from pathlib import Path

import pytest

from fence.targets import pypi
from fence.targets.target_error import TargetError
from tests.fence.targets.fake_npm import tarball
from tests.fence.targets.fake_pip import put_in_place, sha256_of, wheel

PACKAGE = wheel({"thing/__init__.py": b"1", "thing/data.txt": b"2", "thing-1.dist-info/RECORD": b"3"})


def test_the_hash_is_the_index_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_in_place(monkeypatch, tmp_path / "pip", PACKAGE)
    assert pypi.sha256_of("thing==1") == sha256_of(PACKAGE)


def test_an_index_without_a_hash_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_in_place(monkeypatch, tmp_path / "pip", PACKAGE)
    for output in ("", "abc"):
        monkeypatch.setenv("FAKE_PIP_SHA256", output)
        with pytest.raises(TargetError, match=r"^thing==1: the index gives no sha256"):
            pypi.sha256_of("thing==1")
    monkeypatch.delenv("FAKE_PIP_SHA256")
    with pytest.raises(TargetError, match=r"^thing==1: the index gives no sha256"):
        pypi.sha256_of("thing==1")


def test_pip_gets_the_hash_and_fetches_the_archive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = put_in_place(monkeypatch, tmp_path / "pip", PACKAGE)
    found = pypi.fetch("thing==1", sha256_of(PACKAGE), tmp_path / "there")
    assert found.read_bytes() == PACKAGE
    assert log.read_text() == f"thing==1 --hash=sha256:{sha256_of(PACKAGE)}\n"


def test_an_archive_with_another_hash_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_in_place(monkeypatch, tmp_path / "pip", PACKAGE)
    with pytest.raises(TargetError, match=r"^thing==1: its sha256 is \w+, expected \w+; it was discarded"):
        pypi.fetch("thing==1", sha256_of(b"another"), tmp_path / "there")


def test_the_error_of_pip_is_reported_in_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_in_place(monkeypatch, tmp_path / "pip", PACKAGE)
    monkeypatch.setenv("FAKE_PIP_FAILS", "1")
    with pytest.raises(TargetError) as caught:
        pypi.sha256_of("thing==1")
    said = str(caught.value)
    assert said.startswith("thing==1: pip answers 'No matching distribution found': the index has no such")
    assert said.endswith("nothing was fetched; python -m pip index versions thing lists those that there are")


@pytest.mark.parametrize("name", ["thing-1-py3-none-any.whl", "thing-1.tar.gz"])
def test_only_wanted_files_are_unpacked(tmp_path: Path, name: str) -> None:
    packed = tmp_path / name
    packed.write_bytes(
        PACKAGE if name.endswith(".whl") else tarball({"thing-1/thing/__init__.py": b"1", "thing-1/x": b"2"})
    )
    pypi.unpack(packed, tmp_path / "there", lambda path: path.endswith(".py"))
    files = [path for path in (tmp_path / "there").rglob("*") if path.is_file()]
    assert files == [tmp_path / "there" / "thing" / "__init__.py"]


def test_a_file_that_leads_out_of_a_wheel_is_refused(tmp_path: Path) -> None:
    packed = tmp_path / "thing.whl"
    packed.write_bytes(wheel({"../out.py": b"1"}))
    with pytest.raises(TargetError, match="leads out of the package"):
        pypi.unpack(packed, tmp_path / "there", lambda path: True)
    assert not (tmp_path / "out.py").exists()


def test_an_archive_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"thing\.egg: is neither a wheel nor a \.tar\.gz"):
        pypi.unpack(tmp_path / "thing.egg", tmp_path / "there", lambda path: True)
