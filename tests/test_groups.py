"""Tests that share something costly or one cache are a group: one worker of xdist has them all."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("alone")
def test_a_group_is_one(request: pytest.FixtureRequest) -> None:
    """pytest-xdist 3.8 with pytest 9.2 drops groups and says nothing (pytest-dev/pytest-xdist#1386)."""
    if getattr(request.config.option, "loadgroup", False):
        assert request.node.nodeid.endswith("@alone"), "take the versions of requirements.lock: make test"
