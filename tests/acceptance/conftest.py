"""What the acceptance tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.harness_process import Harness


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    """The command line, with folders of this test's own."""
    return Harness(tmp_path)
