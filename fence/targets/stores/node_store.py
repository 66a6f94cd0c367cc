"""Session stores of npm: how one is fetched with all that it imports, tried, and served.

Nothing is bundled or changed. The dependencies of a store are found by importing it: each package that is
missing is fetched, in the newest version of the range that the importing package asks for.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

from fence.targets import npm
from fence.targets.locks import Library
from fence.targets.locks.cached_library import CachedLibrary
from fence.targets.openclaw.tools import host
from fence.targets.stores import HERE
from fence.targets.stores.imported_packages import Packages
from fence.targets.stores.trial import fault_of
from fence.targets.target_error import TargetError

__all__ = ["NodeStore"]

_VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")
#: Opened anew for each turn, as by a command that is started for each prompt.
_REOPENED = "reopened"


@dataclasses.dataclass(frozen=True)
class NodeStore:
    """A session store that is a target.

    Args:
        name: of the target.
        package: its name on npm.
        description: file of the module that `serve.mjs` imports.
        interpreter: returns the path of the program that runs it; fetches it if necessary.
        is_wanted: selects files of packages, by their path in the package.
    """

    name: str
    package: str
    description: str
    interpreter: Callable[[], str]
    is_wanted: Callable[[str], bool]

    @property
    def library(self) -> Library:
        """Return the functions of the target's module."""
        return Library(
            self.name,
            lambda version: (_REOPENED,),
            self._unpack,
            self._words,
            fault_of,
            "session store",
            "docs/stores.md",
        )

    def _unpack(self, version: str, folder: Path, shop: Path) -> str:
        """Fetch and unpack a version and what it imports; returns their hashes."""
        spec = f"{self.package}@{version}"
        if not _VERSION.fullmatch(version):
            # npm would take it for a range, and its newest version is another one tomorrow.
            raise TargetError(f"{self.name}@{version}: expected a whole version, as in {self.name}@1.0.4")
        packages = Packages(folder, shop, self.is_wanted)
        packages.add(self.package, version, npm.integrity_of(spec))
        command = (self.interpreter(), str(HERE / "probe.mjs"), str(folder), str(HERE / self.description))
        packages.complete(spec, command)
        return " ".join(packages.hashes)

    def _words(self, package: CachedLibrary, variant: str) -> tuple[str, ...]:
        """Return the command that serves the store of a package."""
        name = f"{package.name} {package.version}"
        script, described = str(HERE / "serve.mjs"), str(HERE / self.description)
        return self.interpreter(), script, str(host()), str(package.files), name, described, variant
