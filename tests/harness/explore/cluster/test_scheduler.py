"""A cluster that there is not is refused in one line, before anything is started."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from harness.explore.cluster import scheduler
from harness.explore.cluster.scheduler import check
from harness.model.errors import UsageError


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("local:0", "N from 1 to 256"),
        ("local:257", "N from 1 to 256"),
        ("local:", "N from 1 to 256"),
        ("local:2x", "N from 1 to 256"),
        ("local:99999999999999", "N from 1 to 256"),
        ("udp://host:1", "expected tcp://HOST:PORT or tls://HOST:PORT"),
        ("tcp://host", "expected tcp://HOST:PORT"),
        ("tcp://:1", "expected tcp://HOST:PORT"),
        ("none.json", "No such file or directory; expected local:N, tcp://HOST:PORT"),
    ],
)
def test_a_name_of_no_cluster_is_refused(name: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint.replace("(", r"\(")) as refused:
        check(name)
    assert str(refused.value).startswith(f"--cluster {name}: ")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"address": 3}', '{"address": "x"}', "\xff", "[" * 100_000],
    ids=["empty", "list", "nothing", "number", "no address", "no text", "deep"],
)
def test_a_file_of_no_scheduler_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scheduler.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=r"scheduler\.json: "):
        check(str(path))


def test_a_scheduler_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "_CONNECT_S", 0.2)
    with (
        pytest.raises(UsageError, match=r"^--cluster tcp://127\.0\.0\.1:9: no scheduler answers"),
        scheduler.connected("tcp://127.0.0.1:9", str(tmp_path)),
    ):
        pass


def test_a_missing_extra_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec

    def find(name: str, *more: Any) -> Any:
        return None if name == "distributed" else real(name, *more)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    with pytest.raises(UsageError, match=r"pip install 'takeover-harness\[cluster\]'") as refused:
        check("local:2")
    assert "\n" not in str(refused.value)
