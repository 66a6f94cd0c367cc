"""Provide Bun: the one on the PATH, or else a pinned one from npm, which is cached like a target."""

from __future__ import annotations

import functools
import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from fence.targets import cache, npm
from fence.targets.stores import HERE
from fence.targets.target_error import TargetError

__all__ = ["path"]

_LEAST = (1, 3, 14)
_PLATFORMS = {"x86_64": "x64-baseline", "aarch64": "aarch64"}


@functools.cache
def path() -> str:
    """Return the path of Bun; fetch it if necessary.

    Raises:
        TargetError: it is not available, or not for this machine.
    """
    found = shutil.which("bun")
    if found is not None and _version_of(found) >= _LEAST:
        return found
    pinned: dict[str, str] = json.loads((HERE / "bun.json").read_text(encoding="utf-8"))
    package = f"@oven/bun-{sys.platform}-{_PLATFORMS.get(platform.machine(), platform.machine())}"
    spec = next((one for one in pinned if one.startswith(f"{package}@")), None)
    if spec is None:
        least = ".".join(map(str, _LEAST))
        raise TargetError(
            f"no Bun is known for this machine ({package}); install Bun {least} or newer on the PATH"
        )
    return str(_fetched(spec, pinned[spec]))


def _fetched(spec: str, integrity: str) -> Path:
    """Return the program of a package."""
    where = cache.root() / "tools" / f"bun-{hashlib.sha256(integrity.encode()).hexdigest()[:16]}"
    if not where.is_dir():
        with cache.staging_folder() as shop:
            tarball = npm.fetch(spec, integrity, shop / "tarball")
            npm.unpack(tarball, shop / "made", lambda name: name == "bin/bun" or "LICENSE" in name)
            cache.place(shop / "made", where)
    return where / "bin" / "bun"


def _version_of(program: str) -> tuple[int, ...]:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", said.stdout)
    return tuple(int(part) for part in found.groups()) if found else ()
