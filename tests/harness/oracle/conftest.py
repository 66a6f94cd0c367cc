"""Judge each history that a test writes by hand twice: with the first pass, and without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.model.errors import FormatError
from harness.model.history import History
from harness.oracle import judge
from tests.harness.oracle.histories import Story


@pytest.fixture(autouse=True)
def first_pass_agrees(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    written: list[History] = []
    history = Story.history

    def kept(story: Story, **end: object) -> History:
        made = history(story, **end)
        if len(written) < 100:
            written.append(made)
        return made

    monkeypatch.setattr(Story, "history", kept)
    yield
    for one in written:
        try:
            quick = judge(one)
        except FormatError:
            continue
        assert quick == judge(one, full=True)
