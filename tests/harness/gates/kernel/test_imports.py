"""An import of a lane makes no step."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.gates.kernel.importing import Importing
from tests.harness.gates.kernel.stage import Stage

pytestmark = pytest.mark.requires("kernel-gate")


def test_an_import_of_a_module_without_a_file_looks_for_none_in_the_session_directory(tmp_path: Path) -> None:
    with Stage(tmp_path, Importing) as stage:
        seen = stage.run(["built_in", "frozen"])
    assert seen.said() == ["built-in", "frozen"]
    assert not seen.calls()
