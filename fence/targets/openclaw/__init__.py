"""Run released versions of OpenClaw (MIT licence, on npm) as fences.

`fetch` extracts the controller and the lock from a package with `bundle.mjs`; `openclaw.mjs` serves the
bundle as an external fence; `fence.mjs` maps the calls of `fence.protocol` to it. From 2026.6.9 on the
verdict depends on whether a merge callback is set: `+merge` sets one that accepts every line that it is
offered.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from fence.targets import cache, npm
from fence.targets.openclaw import tools
from fence.targets.openclaw.cached_bundle import BUNDLE, CachedBundle, made_of, read_all
from fence.targets.target_error import TargetError

__all__ = ["VERSIONS", "command", "fetch", "fetched"]

VERSIONS = (
    "2026.5.16-beta.7",
    "2026.5.18",
    "2026.5.19",
    "2026.5.20",
    "2026.5.22",
    "2026.5.26",
    "2026.5.27",
    "2026.5.28",
    "2026.5.31-beta.4",
    "2026.6.1",
    "2026.6.5",
    "2026.6.6",
    "2026.6.8",
    "2026.6.9",
    "2026.6.10",
    "2026.6.11",
    "2026.6.33",
    "2026.6.35",
    "2026.7.1",
    "2026.7.1-2",
    "2026.7.2-beta.1",
    "2026.7.2-beta.2",
    "2026.7.2-beta.3",
    "2026.7.35",
)

_HERE = Path(__file__).parent
_VERSION = re.compile(r"[0-9][0-9A-Za-z.-]*")
_MERGE = "+merge"
_BUNDLING_S = 300.0


def command(reference: str) -> str:
    """Return the command that serves a version; nothing is fetched.

    Args:
        reference: ``openclaw@VERSION`` or ``openclaw@VERSION+merge``.

    Raises:
        TargetError: it is not in the cache, or has no merge callback.
    """
    version = _version(reference.removesuffix(_MERGE))
    bundle = _found(version)
    if bundle is None:
        raise TargetError(
            f"openclaw@{version}: is not in the cache; fetch it: python -m harness target openclaw@{version}"
        )
    if reference not in bundle.fences:
        raise TargetError(
            f"{reference}: this version has no merge callback, expected {' or '.join(bundle.fences)}"
        )
    words = (
        tools.node(),
        str(_HERE / "openclaw.mjs"),
        "openclaw",
        str(tools.host()),
        str(bundle.folder / BUNDLE),
        reference,
    )
    return shlex.join(words)


def fetch(version: str, say: Callable[[str], None]) -> CachedBundle:
    """Fetch a version by npm and extract the fence, unless it is in the cache.

    Args:
        version: as the registry writes it.
        say: receives progress messages.

    Raises:
        TargetError: it is not available, or cannot run.
    """
    spec = f"openclaw@{_version(f'openclaw@{version}')}"
    found = _found(version)
    if found is not None:
        return found
    node = tools.node()
    with cache.staging_folder() as shop:
        say(f"{spec}: asking the registry")
        integrity = npm.integrity_of(spec)
        tarball = npm.fetch(spec, integrity, shop / "tarball")
        say(f"{spec}: {tarball.stat().st_size / 1e6:.0f} MB, the hash is right; extracting the fence")
        npm.unpack(tarball, shop / "package", _is_wanted)
        made = shop / "made"
        made.mkdir()
        facts = _bundle(spec, node, shop / "package" / "dist", made / BUNDLE)
        licence = shop / "package" / "LICENSE"
        if licence.exists():
            shutil.copy(licence, made)
        bundle = made_of(made, version, integrity, tools.recipe(), facts)
        where = cache.root() / "openclaw" / bundle.folder_name
        cache.place(made, where, lambda: _found(version) is not None)
    placed = _found(version)
    if placed is None:
        raise TargetError(f"{spec}: {where} was damaged or taken away; remove it and fetch again")
    return placed


def fetched() -> list[CachedBundle]:
    """Return the usable versions in the cache, oldest first."""
    recipe = tools.recipe()
    return [bundle for bundle in read_all(cache.root() / "openclaw") if bundle.recipe == recipe]


def _found(version: str) -> CachedBundle | None:
    for bundle in fetched():
        if bundle.version == version:
            return bundle
    return None


def _version(spec: str) -> str:
    version = spec.removeprefix("openclaw@")
    if version == spec or not _VERSION.fullmatch(version):
        raise TargetError(f"{spec}: expected openclaw@VERSION, like openclaw@2026.5.18")
    return version


def _is_wanted(path: str) -> bool:
    return path in ("LICENSE", "package.json") or (
        path.startswith("dist/") and path.endswith((".js", ".mjs"))
    )


def _bundle(spec: str, node: str, dist: Path, out: Path) -> dict[str, object]:
    """Extract the fence from an unpacked package; return the output of bundle.mjs."""
    words = (node, str(_HERE / "bundle.mjs"), str(tools.folder()), str(dist), str(out))
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_BUNDLING_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise TargetError(f"{spec}: extracting the fence took more than {_BUNDLING_S:.0f} s") from error
    try:
        output = json.loads(done.stdout)
    except json.JSONDecodeError:
        raise TargetError(f"{spec}: extracting the fence failed: {done.stderr.strip()[-600:]}") from None
    if "missing" in output:
        raise TargetError(f"{spec}: cannot run: {output['missing']}")
    facts: dict[str, object] = output
    return facts
