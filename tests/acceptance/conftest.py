"""Fixtures that the acceptance tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.harness_process import Harness


@pytest.fixture
def flag(tmp_path: Path) -> Iterator[Path]:
    """The file ``wait`` beside a test's fences, which wait for its end."""
    flag = tmp_path / "wait"
    flag.touch()
    yield flag
    flag.unlink(missing_ok=True)


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    """The command line, with folders of this test's own."""
    return Harness(tmp_path)
