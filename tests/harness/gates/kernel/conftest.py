"""Fixtures that the tests of the kernel gate's parts share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.gates.kernel.supervised import Supervised


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Supervised]:
    """A supervisor's state over a directory, without a tracee."""
    supervised = Supervised(tmp_path)
    yield supervised
    supervised.close()
