"""Packages of the Python index, by the user's own pip: it knows the index, the proxy and the password.

Whatever comes is compared with a hash: the one that is pinned, or the one that the index
has for it. A wheel is unpacked and nothing of it is run; of a release that has none pip asks
its setup.py for its name, after the hash was found right.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from fence.targets import npm
from fence.targets.package_client import called, put
from fence.targets.target_error import TargetError

__all__ = ["fetch", "sha256_of", "unpack"]

_VIEW_S = 120.0
_FETCH_S = 300.0
_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
_HASH = re.compile(r"[0-9a-f]{64}")


def sha256_of(spec: str) -> str:
    """The sha256 that the index has for the wheel of a release.

    Args:
        spec: ``name==version``.

    Raises:
        TargetError: there is no pip, no index, no such version or no wheel of it.
    """
    said = _pip(
        spec,
        *("install", "--dry-run", "--ignore-installed", "--no-deps", "--only-binary", ":all:"),
        *("--report", "-", spec),
        limit_s=_VIEW_S,
    )
    try:
        found = json.loads(said)["install"][0]["download_info"]["archive_info"]["hashes"]["sha256"]
    except (ValueError, LookupError, TypeError):
        found = ""
    if not isinstance(found, str) or not _HASH.fullmatch(found):
        raise TargetError(
            f"{spec}: the index gives no sha256 for it, only {said[:200]!r}; nothing was fetched"
        )
    return found


def fetch(spec: str, sha256: str, folder: Path) -> Path:
    """Fetch the archive of a release, a wheel or a source distribution.

    Args:
        spec: ``name==version``.
        sha256: what its hash has to be.
        folder: where it goes; new and empty.

    Raises:
        TargetError: it cannot be had, or is another one.
    """
    folder.mkdir()
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{spec} --hash=sha256:{sha256}\n", encoding="utf-8")
    _pip(
        spec,
        *("download", "--no-deps", "--require-hashes", "--dest", str(folder), "-r", str(wanted)),
        limit_s=_FETCH_S,
    )
    wanted.unlink()
    found = list(folder.iterdir())
    if len(found) != 1:
        raise TargetError(f"{spec}: pip download left {len(found)} files, expected one archive")
    got = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if got != sha256:
        raise TargetError(f"{spec}: its sha256 is {got}, expected {sha256}; it was thrown away")
    return found[0]


def unpack(archive: Path, folder: Path, wanted: Callable[[str], bool]) -> None:
    """Unpack the plain files of a release.

    Args:
        archive: a wheel, or a source distribution with everything below one folder.
        folder: takes the place of that one, or the wheel's root.
        wanted: which paths below it; no other file is written.

    Raises:
        TargetError: it is neither, or a path leads out of the folder.
    """
    if archive.name.endswith(".tar.gz"):
        npm.unpack(archive, folder, wanted)
        return
    if archive.suffix != ".whl":
        raise TargetError(f"{archive.name}: is neither a wheel nor a .tar.gz; choose another version")
    with zipfile.ZipFile(archive) as wheel:
        for member in wheel.infolist():
            inside = PurePosixPath(member.filename)
            if member.is_dir() or not wanted(str(inside)):
                continue
            with wheel.open(member) as source:
                put(archive.name, member.filename, inside, folder, source)


def _pip(spec: str, *arguments: str, limit_s: float) -> str:
    """Run pip; what it says."""
    done = called(spec, "pip", [*_PIP, *arguments], arguments[0], limit_s)
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if "ERROR" in line or "No module" in line]
        why = "; ".join(lines[:2]) or done.stderr.strip()[-300:] or "without a word"
        raise TargetError(f"{spec}: pip {arguments[0]} failed: {why}")
    return done.stdout
