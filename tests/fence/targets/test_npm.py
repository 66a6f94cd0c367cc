from __future__ import annotations

from pathlib import Path

import pytest

from fence.targets import npm
from fence.targets.target_error import TargetError
from tests.fence.targets.fake_npm import integrity_of, put_on_path, tarball

PACKAGE = tarball({"package/package.json": b"{}", "package/dist/a.js": b"1", "package/dist/a.txt": b"2"})


def test_the_hash_is_the_registry_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_on_path(monkeypatch, tmp_path / "bin", PACKAGE)
    monkeypatch.setenv("FAKE_NPM_INTEGRITY", "sha1-xxx sha512-yyy")
    assert npm.integrity_of("thing@1") == "sha512-yyy"


def test_a_hash_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_on_path(monkeypatch, tmp_path / "bin", PACKAGE)
    monkeypatch.setenv("FAKE_NPM_INTEGRITY", "sha1-xxx")
    with pytest.raises(TargetError, match=r"^thing@1: the registry gives 'sha1-xxx' as its hash"):
        npm.integrity_of("thing@1")


def test_a_package_with_the_right_hash_is_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_on_path(monkeypatch, tmp_path / "bin", PACKAGE)
    found = npm.fetch("thing@1", integrity_of(PACKAGE), tmp_path / "there")
    assert found.read_bytes() == PACKAGE


def test_a_package_with_another_hash_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_on_path(monkeypatch, tmp_path / "bin", PACKAGE)
    with pytest.raises(TargetError, match=r"^thing@1: its hash is sha512-.*, expected sha512-"):
        npm.fetch("thing@1", integrity_of(b"another"), tmp_path / "there")


def test_the_error_of_npm_is_reported_in_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_on_path(monkeypatch, tmp_path / "bin", PACKAGE)
    monkeypatch.setenv("FAKE_NPM_FAILS", "1")
    with pytest.raises(TargetError) as caught:
        npm.integrity_of("thing@1")
    remedy = "nothing was fetched; npm view thing versions lists those that there are"
    assert str(caught.value) == f"thing@1: npm view failed: E404: No match found; {remedy}"


def test_without_npm_the_error_says_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TargetError, match=r"^thing@1: there is no npm on the PATH; install"):
        npm.integrity_of("thing@1")


def test_only_wanted_files_are_unpacked_with_their_executable_bit(tmp_path: Path) -> None:
    packed = tmp_path / "package.tgz"
    packed.write_bytes(PACKAGE)
    npm.unpack(packed, tmp_path / "there", lambda path: path.endswith(".js"))
    files = [path for path in (tmp_path / "there").rglob("*") if path.is_file()]
    assert files == [tmp_path / "there" / "dist" / "a.js"]
    assert files[0].stat().st_mode & 0o777 == 0o755


def test_a_file_that_leads_out_of_the_package_is_refused(tmp_path: Path) -> None:
    packed = tmp_path / "package.tgz"
    packed.write_bytes(tarball({"package/../../out.js": b"1"}))
    with pytest.raises(TargetError, match="leads out of the package"):
        npm.unpack(packed, tmp_path / "there", lambda path: True)
    assert not (tmp_path / "out.js").exists()
