"""Provide the tools that extract a fence from a package: Node, and a bundler and a parser from npm.

Both are pinned by hash in tools.json and are cached like a target.
"""

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
from fence.targets.target_error import TargetError

__all__ = ["folder", "host", "node", "recipe"]

_HERE = Path(__file__).parent
_NODE_LEAST = 20
_MACHINES = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_RECIPE_FILES = ("bundle.mjs", "tools.json")


@functools.cache
def recipe() -> str:
    """Return a hash of everything that determines the bundle of a package."""
    digest = hashlib.sha256()
    for name in _RECIPE_FILES:
        digest.update((_HERE / name).read_bytes())
    return digest.hexdigest()[:16]


@functools.cache
def node() -> str:
    """Return the path of Node.

    Raises:
        TargetError: there is none, or it is too old.
    """
    path = shutil.which("node")
    if path is None:
        raise TargetError(f"there is no node on the PATH; install Node.js {_NODE_LEAST} or newer")
    output = subprocess.run(
        [path, "--version"], capture_output=True, text=True, timeout=30, check=False
    ).stdout
    version = re.match(r"v(\d+)\.", output)
    if version is None or int(version[1]) < _NODE_LEAST:
        raise TargetError(
            f"{path} is {output.strip() or 'no Node.js'}; install Node.js {_NODE_LEAST} or newer"
        )
    return path


def host() -> Path:
    """Return the host module: beside the targets if installed, in examples/ in the repository."""
    installed = _HERE.parent / "host.mjs"
    return installed if installed.exists() else _HERE.parents[2] / "examples" / "node" / "host.mjs"


def folder() -> Path:
    """Return the folder of bundler and parser, as Node expects its modules; fetch them if necessary.

    Raises:
        TargetError: they are not available, or not for this machine.
    """
    pinned: dict[str, str] = json.loads((_HERE / "tools.json").read_text(encoding="utf-8"))
    binary = f"@esbuild/{sys.platform}-{_MACHINES.get(platform.machine(), platform.machine())}"
    wanted = {
        spec: hash_
        for spec, hash_ in pinned.items()
        if not spec.startswith("@") or spec.startswith(f"{binary}@")
    }
    if not any(spec.startswith(f"{binary}@") for spec in wanted):
        raise TargetError(
            f"no bundler is known for this machine ({binary}); fetch on x86-64 or arm64 Linux or macOS"
        )
    key = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]
    where = cache.root() / "tools" / key
    if not where.is_dir():
        with cache.staging_folder() as shop:
            for number, (spec, integrity) in enumerate(wanted.items()):
                tarball = npm.fetch(spec, integrity, shop / str(number))
                npm.unpack(
                    tarball, shop / "made" / "node_modules" / spec[: spec.rindex("@")], lambda path: True
                )
            cache.place(shop / "made", where)
    return where
