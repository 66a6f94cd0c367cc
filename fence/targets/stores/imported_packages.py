"""Fetch the packages that a module imports, one after the other, until it can be imported."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fence.targets import npm
from fence.targets.target_error import TargetError

__all__ = ["Packages"]

_PACKAGES_MAX = 60
_PROBE_S = 300.0
_MACHINES = {"x86_64": "x64", "aarch64": "arm64"}


class Packages:
    """The folder ``node_modules`` of a target that is being made.

    Args:
        folder: has the folder.
        shop: for temporary files.
        is_wanted: selects files of packages, by their path in the package.

    Attributes:
        hashes: of the archives, in the order in which they were added.
    """

    def __init__(self, folder: Path, shop: Path, is_wanted: Callable[[str], bool]) -> None:
        self._modules = folder / "node_modules"
        self._shop = shop
        self._is_wanted = is_wanted
        self.hashes: list[str] = []

    def add(self, name: str, version: str, integrity: str) -> None:
        """Fetch and unpack a package, and the native part that it has for this machine.

        Args:
            name: of the package.
            version: whole version.
            integrity: its expected hash.

        Raises:
            TargetError: it is not available, or has another hash.
        """
        archive = self._shop / f"archive-{len(self.hashes)}"
        tarball = npm.fetch(f"{name}@{version}", integrity, archive)
        npm.unpack(tarball, self._modules / name, self._is_wanted)
        tarball.unlink()
        self.hashes.append(integrity)
        machine = f"-{sys.platform}-{_MACHINES.get(platform.machine(), platform.machine())}"
        for part, wanted in self._facts(name).get("optionalDependencies", {}).items():
            if part.endswith(machine):
                self._add_newest(part, wanted)

    def complete(self, spec: str, probe: Sequence[str]) -> None:
        """Add packages until a program can import what it is to import.

        Args:
            spec: the target, for messages.
            probe: prints one JSON object: ``missing`` and ``importer``, ``fault``, or nothing of these.

        Raises:
            TargetError: it cannot be imported, or a package that it needs is not available.
        """
        while True:
            said = _said(spec, probe)
            if "fault" in said:
                raise TargetError(f"{spec}: cannot be imported: {said['fault']}")
            if "missing" not in said:
                return
            name = said["missing"]
            if (self._modules / name).exists() or len(self.hashes) >= _PACKAGES_MAX:
                raise TargetError(f"{spec}: cannot be imported: {said['why']}")
            self._add_newest(name, self._range_of(spec, name, Path(said["importer"])))

    def _add_newest(self, name: str, wanted: str) -> None:
        version = npm.newest(name, wanted)
        self.add(name, version, npm.integrity_of(f"{name}@{version}"))

    def _range_of(self, spec: str, name: str, importer: Path) -> str:
        """Return the range in which the package that imports another one asks for it."""
        inside = importer.resolve().relative_to(self._modules.resolve()).parts
        package = "/".join(inside[: 2 if inside[0].startswith("@") else 1])
        facts = self._facts(package)
        for key in ("dependencies", "peerDependencies", "optionalDependencies"):
            if name in facts.get(key, {}):
                return str(facts[key][name])
        raise TargetError(f"{spec}: {package} imports {name}, and does not name it among its dependencies")

    def _facts(self, name: str) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(
            (self._modules / name / "package.json").read_text(encoding="utf-8")
        )
        return facts


def _said(spec: str, probe: Sequence[str]) -> dict[str, str]:
    try:
        done = subprocess.run(
            probe, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PROBE_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise TargetError(f"{spec}: importing it took more than {_PROBE_S:.0f} s") from error
    try:
        said: dict[str, str] = json.loads(done.stdout)
    except json.JSONDecodeError:
        raise TargetError(f"{spec}: importing it failed: {done.stderr.strip()[-600:]}") from None
    return said
