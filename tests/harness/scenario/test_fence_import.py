"""A fence's import is given up by what it does with its time."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.model.errors import FenceLoadError
from harness.scenario import fence_reference
from harness.system import trial_import


@pytest.mark.parametrize(
    ("body", "limit"), [("time.sleep(600)", "0.5 s"), ("while True: pass", "0.7 s of processor time")]
)
def test_an_import_that_does_not_end_names_its_limit(
    body: str, limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_import, "_IMPORT_S", 0.5)
    monkeypatch.setattr(trial_import, "_IMPORT_COMPUTING_S", 0.7)
    module = tmp_path / "slow.py"
    module.write_text(f"import time\n{body}\n")
    with pytest.raises(FenceLoadError, match=f"importing it took more than {limit}$"):
        fence_reference.check(f"{module}:Slow")
