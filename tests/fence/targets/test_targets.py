from __future__ import annotations

import pytest

from fence import targets


@pytest.mark.parametrize(
    ("reference", "is_one"),
    [("openclaw@2026.5.18", True), ("openclaw", False), ("mine.py:Fence", False), ("a@b.py:Fence", False)],
)
def test_a_target_has_a_known_name_and_a_version(reference: str, is_one: bool) -> None:
    assert targets.is_target(reference) == is_one


def test_an_unknown_target_is_an_error_listing_known_ones() -> None:
    with pytest.raises(targets.TargetError, match=r"^openclaws@1: unknown target, expected one of openclaw,"):
        targets.target_of("openclaws@1")


@pytest.mark.parametrize("name", targets.TARGETS)
def test_every_target_module_lists_and_names_its_versions(name: str) -> None:
    module = targets.target_of(name)
    assert len(set(module.VERSIONS)) == len(module.VERSIONS) > 0
    assert isinstance(module.fetched(), list)
