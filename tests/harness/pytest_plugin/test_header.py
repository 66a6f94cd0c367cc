"""The plugin says in pytest's header what keeps it from running, and pytest goes on."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from harness.model.errors import UsageError
from harness.pytest_plugin import running
from takeover_harness.pytest_plugin import pytest_report_header


@pytest.fixture
def config() -> Any:
    """Return a configuration that wants scenario files."""
    return SimpleNamespace(getini=lambda _name: True, getoption=lambda _name: None)


def test_a_gate_that_cannot_be_tried_is_no_broken_installation(
    config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def probe() -> str:
        raise UsageError("the kernel gate could not be tried: no memory")

    monkeypatch.setattr(running, "why_no_kernel_gate", probe)
    assert pytest_report_header(config) == "harness: the kernel gate could not be tried: no memory"


def test_a_harness_that_cannot_be_imported_says_so(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "harness.pytest_plugin.running", None)
    said = pytest_report_header(config)
    assert said is not None
    assert said.startswith("the takeover harness cannot be loaded: ModuleNotFoundError: ")
    assert said.endswith("; install it anew")
