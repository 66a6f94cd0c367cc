"""Run released lock libraries as fences that only lock: one module for each library.

Under test is the library's lock, unmodified, without a fence above it: `serve.py` and `serve.mjs`
append plainly while they hold it and never refuse. A *variant* is another lock of the same library:
``filelock@3.29.7+soft``. `Library` fetches and finds versions.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Callable
from pathlib import Path

from fence.targets import cache
from fence.targets.locks.cached_library import FILES, CachedLibrary, made_of, read_all
from fence.targets.locks.trial import fault_of
from fence.targets.target_error import TargetError

__all__ = ["HERE", "Library"]

HERE = Path(__file__).parent
_VERSION = re.compile(r"[0-9][0-9A-Za-z.-]*")
#: Unpacks a version into a folder, with a folder for temporary files; returns the hashes that it checked.
Unpacker = Callable[[str, Path, Path], str]


@dataclasses.dataclass(frozen=True)
class Library:
    """One lock library; the module of a target uses its methods.

    Args:
        name: name in its registry.
        variants: returns the variants of a version.
        unpack: fetches and unpacks a version.
        words: returns the command that serves a package and a variant.
        fault: tries a command in an empty folder; returns what is wrong, empty if nothing is.
        what: is tried, for messages.
        document: names the versions that were tried.
    """

    name: str
    variants: Callable[[str], tuple[str, ...]]
    unpack: Unpacker
    words: Callable[[CachedLibrary, str], tuple[str, ...]]
    fault: Callable[[str, Path], str] = fault_of
    what: str = "lock"
    document: str = "docs/locks.md"

    def fetch(self, version: str, say: Callable[[str], None]) -> CachedLibrary:
        """Fetch a version, unless it is in the cache.

        Args:
            version: as the registry writes it.
            say: receives progress messages.

        Raises:
            TargetError: it is not available, or its lock cannot be used as that of the tried versions.
        """
        spec = f"{self.name}@{version}"
        if not _VERSION.fullmatch(version):
            raise TargetError(f"{spec}: expected {self.name}@VERSION, a whole version such as 3.2.0")
        found = self._found(version)
        if found is not None:
            return found
        with cache.staging_folder() as shop:
            say(f"{spec}: asking the registry")
            made = shop / "made"
            made.mkdir()
            integrity = self.unpack(version, made / FILES, shop)
            lacking = self._lacking(spec, made_of(made, self.name, version, integrity, ()), shop, say)
            variants = tuple(one for one in self.variants(version) if one not in lacking)
            package = made_of(made, self.name, version, integrity, variants, lacking)
            where = self._place / package.folder_name
            cache.place(made, where, lambda: self._found(version) is not None)
        placed = self._found(version)
        if placed is None:
            raise TargetError(f"{spec}: {where} was damaged or taken away; remove it and fetch again")
        return placed

    def fetched(self) -> list[CachedLibrary]:
        """Return the usable versions in the cache, oldest first."""
        return [
            one
            for one in read_all(self._place)
            if {*one.variants, *one.lacking} == set(self.variants(one.version))
        ]

    def command(self, reference: str) -> str:
        """Return the command that serves a version; nothing is fetched.

        Args:
            reference: ``NAME@VERSION`` or ``NAME@VERSION+VARIANT``.

        Raises:
            TargetError: it is not in the cache, or has no such variant.
        """
        version, _, variant = reference.partition("@")[2].partition("+")
        package = self._found(version)
        if package is None:
            raise TargetError(
                f"{reference}: is not in the cache; fetch it: python -m harness target {self.name}@{version}"
            )
        if reference not in package.fences:
            raise TargetError(f"{reference}: no such {self.what}, expected {' or '.join(package.fences)}")
        return shlex.join(self.words(package, variant))

    def _lacking(
        self, spec: str, package: CachedLibrary, shop: Path, say: Callable[[str], None]
    ) -> tuple[str, ...]:
        """Try each lock of an unpacked version; return the variants that it does not have.

        Raises:
            TargetError: it does not have the usual lock.
        """
        lacking = []
        for variant in ("", *self.variants(package.version)):
            folder = shop / f"trial-{variant}"
            folder.mkdir()
            fault = self.fault(shlex.join(self.words(package, variant)), folder)
            if fault and not variant:
                raise TargetError(
                    f"{spec}: its {self.what} cannot be used as that of the versions that were tried: "
                    f"{fault}; nothing was kept; choose a version near one of those in {self.document}"
                )
            if fault:
                lacking.append(variant)
                say(f"{spec}: has no {self.what} +{variant}: {fault}")
        return tuple(lacking)

    @property
    def _place(self) -> Path:
        return cache.root() / self.name

    def _found(self, version: str) -> CachedLibrary | None:
        return next((one for one in self.fetched() if one.version == version), None)
