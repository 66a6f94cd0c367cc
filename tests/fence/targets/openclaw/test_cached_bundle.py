from __future__ import annotations

import json
from pathlib import Path

import pytest

from fence.targets.openclaw.cached_bundle import BUNDLE, CachedBundle, made_of, read_all


def placed(place: Path, version: str, *, merges: bool = False) -> CachedBundle:
    made = place / "made"
    made.mkdir(parents=True)
    (made / BUNDLE).write_text(f"exports.version = {version!r}")
    bundle = made_of(made, version, "sha512-xxx", "recipe", {"merges": merges, "files": 3})
    made.rename(place / bundle.folder_name)
    return bundle


def test_a_stored_bundle_can_be_read(tmp_path: Path) -> None:
    bundle = placed(tmp_path, "2026.5.18")
    (read,) = read_all(tmp_path)
    assert read.folder == tmp_path / bundle.folder_name
    assert (read.version, read.integrity, read.recipe, read.files, read.sha256) == (
        "2026.5.18",
        "sha512-xxx",
        "recipe",
        3,
        bundle.sha256,
    )


def test_versions_are_sorted(tmp_path: Path) -> None:
    order = [
        "2026.5.16-beta.7",
        "2026.5.16",
        "2026.6.9",
        "2026.6.10",
        "2026.7.1-beta.2",
        "2026.7.1",
        "2026.7.1-2",
    ]
    for version in sorted(order):
        placed(tmp_path, version)
    assert [bundle.version for bundle in read_all(tmp_path)] == order


def test_a_version_with_a_merge_callback_has_two_fences(tmp_path: Path) -> None:
    assert placed(tmp_path, "1").fences == ("openclaw@1",)
    assert placed(tmp_path, "2", merges=True).fences == ("openclaw@2", "openclaw@2+merge")


@pytest.mark.parametrize("damage", ["bundle", "facts", "format", "name"])
def test_a_damaged_bundle_is_not_listed(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / placed(tmp_path, "2026.5.18").folder_name
    facts = folder / "target.json"
    if damage == "bundle":
        (folder / BUNDLE).write_text("bundle off")
    elif damage == "facts":
        facts.write_text("{")
    elif damage == "format":
        facts.write_text(json.dumps({**json.loads(facts.read_text()), "format": 2}))
    else:
        folder.rename(tmp_path / "2026.5.18-0123456789abcdef")
    assert read_all(tmp_path) == []


def test_without_a_cache_no_bundle_is_listed(tmp_path: Path) -> None:
    assert read_all(tmp_path / "none") == []
