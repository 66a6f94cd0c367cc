"""Fetch packages of the npm registry by the user's own npm, which has the registry, proxy and credentials.

Every package is compared with a hash: a pinned one, or the registry's. No code of a package is run here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from fence.targets.package_client import run_client, write_member
from fence.targets.target_error import TargetError

__all__ = ["fetch", "integrity_of", "newest", "unpack"]

_VIEW_S = 120.0
_PACK_S = 600.0
_HASH = "sha512"


def integrity_of(spec: str) -> str:
    """Return the sha512 that the registry has for a package, in the registry's form.

    Args:
        spec: ``name@version``.

    Raises:
        TargetError: there is no npm, no registry or no such version.
    """
    output = _npm(spec, "view", spec, "dist.integrity", "--json", limit_s=_VIEW_S)
    hashes = output.split() if isinstance(output, str) else []
    for one in hashes:
        if one.startswith(f"{_HASH}-"):
            return one
    raise TargetError(
        f"{spec}: the registry gives {output!r} as its hash, expected {_HASH}-...; nothing was fetched"
    )


def newest(name: str, wanted: str) -> str:
    """Return the newest released version in a range.

    Args:
        name: of the package.
        wanted: range as packages write it, such as ``^1.2.0``.

    Raises:
        TargetError: there is no npm, no registry or no version in the range.
    """
    spec = f"{name}@{wanted}"
    output = _npm(spec, "view", spec, "version", "--json", limit_s=_VIEW_S)
    found = [output] if isinstance(output, str) else output if isinstance(output, list) else []
    released = [one for one in found if isinstance(one, str) and re.fullmatch(r"\d+\.\d+\.\d+", one)]
    if not released:
        raise TargetError(f"{spec}: the registry gives {output!r}, expected a released version in the range")
    return max(released, key=lambda one: [int(part) for part in one.split(".")])


def fetch(spec: str, integrity: str, folder: Path) -> Path:
    """Fetch the tarball of a package.

    Args:
        spec: ``name@version``.
        integrity: its expected hash, ``sha512-`` and base64.
        folder: folder to make and to put it in.

    Raises:
        TargetError: it is not available, or has another hash.
    """
    folder.mkdir()
    _npm(spec, "pack", spec, "--json", "--ignore-scripts", f"--pack-destination={folder}", limit_s=_PACK_S)
    found = list(folder.iterdir())
    if len(found) != 1:
        raise TargetError(f"{spec}: npm pack left {len(found)} files, expected one tarball")
    digest = hashlib.new(_HASH, found[0].read_bytes()).digest()
    got = f"{_HASH}-{base64.b64encode(digest).decode()}"
    if got != integrity:
        raise TargetError(f"{spec}: its hash is {got}, expected {integrity}; it was discarded")
    return found[0]


def unpack(tarball: Path, folder: Path, wanted: Callable[[str], bool]) -> None:
    """Unpack the plain files of a package.

    Args:
        tarball: as npm makes them: everything below one folder.
        folder: replaces that one folder.
        wanted: selects paths below it; no other file is written.

    Raises:
        TargetError: a path leads out of the folder.
    """
    with tarfile.open(tarball) as archive:
        for member in archive:
            inside = PurePosixPath(*PurePosixPath(member.name).parts[1:])
            if not member.isfile() or not wanted(str(inside)):
                continue
            source = archive.extractfile(member)
            assert source is not None
            with source:
                path = write_member(tarball.name, member.name, inside, folder, source)
            path.chmod(0o755 if member.mode & 0o100 else 0o644)


def _npm(spec: str, *arguments: str, limit_s: float) -> object:
    """Run npm and return its output, parsed as JSON."""
    environment = {**os.environ, "npm_config_update_notifier": "false", "npm_config_fund": "false"}
    try:
        done = run_client(spec, "npm", ["npm", *arguments], arguments[0], limit_s, environment)
    except FileNotFoundError as error:
        raise TargetError(f"{spec}: there is no npm on the PATH; install Node.js with npm") from error
    try:
        output = json.loads(done.stdout or "null")
    except json.JSONDecodeError:
        output = None
    if done.returncode:
        why = _error_in(output, done.stderr)
        if why.startswith("E404"):
            name = spec[: spec.rindex("@")]
            why += f"; nothing was fetched; npm view {name} versions lists those that there are"
        raise TargetError(f"{spec}: npm {arguments[0]} failed: {why}")
    return output


def _error_in(output: object, stderr: str) -> str:
    """Return npm's error in one line."""
    error = output.get("error") if isinstance(output, dict) else None
    if isinstance(error, dict) and error.get("summary"):
        return f"{error.get('code', 'error')}: {str(error['summary']).splitlines()[0]}"
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return "; ".join(lines[:2]) or "no message"
