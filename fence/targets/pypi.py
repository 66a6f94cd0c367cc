"""Fetch packages of the Python index by the user's own pip, which has the index, proxy and credentials.

Every package is compared with a hash: a pinned one, or the index's. A wheel is unpacked and none of its
code is run. For a release without a wheel pip runs setup.py to get its name, after the hash was checked:
the pinned one, or that of the index.
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
from fence.targets.package_client import run_client, write_member
from fence.targets.target_error import TargetError

__all__ = ["fetch", "sha256_of", "unpack"]

_VIEW_S = 120.0
_FETCH_S = 300.0
_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
_NO_SUCH = "No matching distribution found"
_NOT_BUILT = "subprocess-exited-with-error"
_HASH = re.compile(r"[0-9a-f]{64}")


def sha256_of(spec: str) -> str:
    """Return the sha256 that the index has for the wheel of a release, or else for its source distribution.

    Args:
        spec: ``name==version``.

    Raises:
        TargetError: there is no pip, no index or no such version.
    """
    try:
        output = _report(spec, "--only-binary", ":all:")
    except TargetError as error:
        if _NO_SUCH not in str(error):
            raise
        output = _report(spec, "--no-binary", spec.partition("==")[0])
    try:
        found = json.loads(output)["install"][0]["download_info"]["archive_info"]["hashes"]["sha256"]
    except (ValueError, LookupError, TypeError):
        found = ""
    if not isinstance(found, str) or not _HASH.fullmatch(found):
        raise TargetError(
            f"{spec}: the index gives no sha256 for it, only {output[:200]!r}; nothing was fetched"
        )
    return found


def _report(spec: str, *form: str) -> str:
    """Return what pip would install, a wheel or a source distribution, as the options `form` say."""
    return _pip(
        spec,
        *("install", "--dry-run", "--ignore-installed", "--no-deps", *form, "--report", "-", spec),
        limit_s=_VIEW_S,
    )


def fetch(spec: str, sha256: str, folder: Path) -> Path:
    """Fetch the archive of a release, a wheel or a source distribution.

    Args:
        spec: ``name==version``.
        sha256: its expected hash.
        folder: folder to make and to put it in.

    Raises:
        TargetError: it is not available, or has another hash.
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
        raise TargetError(f"{spec}: its sha256 is {got}, expected {sha256}; it was discarded")
    return found[0]


def unpack(archive: Path, folder: Path, wanted: Callable[[str], bool]) -> None:
    """Unpack the plain files of a release.

    Args:
        archive: a wheel, or a source distribution with everything below one folder.
        folder: replaces that one folder, or the wheel's root.
        wanted: selects paths below it; no other file is written.

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
                write_member(archive.name, member.filename, inside, folder, source)


def _pip(spec: str, *arguments: str, limit_s: float) -> str:
    """Run pip and return its output."""
    done = run_client(spec, "pip", [*_PIP, *arguments], arguments[0], limit_s)
    if done.returncode:
        if _NO_SUCH in done.stderr:
            name = spec.partition("==")[0]
            raise TargetError(
                f"{spec}: pip answers {_NO_SUCH!r}: the index has no such version, or none "
                f"for this Python; nothing was fetched; "
                f"python -m pip index versions {name} lists those that there are"
            )
        if _NOT_BUILT in done.stderr:
            raise TargetError(
                f"{spec}: pip cannot run its setup.py with this Python; choose a version that has a wheel"
            )
        lines = [line.strip() for line in done.stderr.splitlines() if "ERROR" in line or "No module" in line]
        why = "; ".join(lines[:2]) or done.stderr.strip()[-300:] or "no message"
        raise TargetError(f"{spec}: pip {arguments[0]} failed: {why}")
    return done.stdout
