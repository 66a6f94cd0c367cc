"""A lane is followed through the lines of its fence."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from fence.protocol import Fence, Site
from harness.lanes.line_tracer import LineTracer, own_files
from harness.model.code_memory import CodeMemory
from harness.model.code_trace import Raised

SOURCE = """\
from fence.protocol import Fence


class Own(Fence):
    def guarded_write(self, entries):
        first = self.look(entries)
        entries[0]()
        return first

    def look(self, entries):
        entries[0]()
        return entries

    def parse(self, text):
        return int(text)
"""


@pytest.fixture
def own(tmp_path: Path) -> ModuleType:
    path = tmp_path / "own_fence.py"
    path.write_text(SOURCE, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("own_fence_of_a_test", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def follow(module: ModuleType, call: Callable[[Fence, CodeMemory], object]) -> tuple[CodeMemory, LineTracer]:
    """Follow a call as lane 1."""
    memory = CodeMemory(2)
    tracer = LineTracer(1, memory, own_files(module.Own))
    fence = module.Own(Site("/nowhere/t.jsonl", "runner", {}, {}))
    tracer.run(eval("lambda: call(fence, memory)", {"call": call, "fence": fence, "memory": memory}))
    return memory, tracer


def test_a_call_names_the_innermost_line_of_the_users_code(own: ModuleType) -> None:
    seen: list[tuple[str, int, str]] = []

    def call(fence: Fence, memory: CodeMemory) -> None:
        # Code of no file belongs to no user: it stands for a call of the library.
        probe = eval("lambda: seen.append(memory.line(1)[:3])", {"seen": seen, "memory": memory})
        fence.guarded_write([probe])

    memory, tracer = follow(own, call)
    file = own.__file__
    assert seen == [(file, 11, "look"), (file, 7, "guarded_write")]
    # Nothing is under way any more.
    assert memory.line(1) == ("", 0, "", tracer.count)
    assert tracer.count > 5


def test_the_files_of_a_fence_are_its_own_and_not_the_protocols(own: ModuleType) -> None:
    assert own_files(own.Own) == {own.__file__}
    assert own_files(lambda site: site) == frozenset()


def test_an_exception_has_the_users_lines_and_no_other(own: ModuleType) -> None:
    memory = CodeMemory(2)
    fence = own.Own(Site("/nowhere/t.jsonl", "runner", {}, {}))
    with pytest.raises(ValueError, match="invalid literal") as raised:
        # As an operation of a lane: from code that is not the user's.
        eval("fence.parse('x')", {"fence": fence})
    LineTracer(1, memory, own_files(own.Own)).raised(4, raised.value)
    (found,) = memory.raised(1)
    assert (found.lane, found.op) == (1, 4)
    assert found.place is not None
    assert (found.place.line, found.place.function, found.place.source) == (15, "parse", "return int(text)")
    assert "ValueError: invalid literal" in found.text
    told = found.text.split("\n")
    assert [line.strip().split(",")[0] for line in told if "File" in line][-1].endswith('own_fence.py"')


def test_an_exception_that_cannot_be_told_is_told_shortly(own: ModuleType) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    memory = CodeMemory(1)
    LineTracer(0, memory, frozenset()).raised(0, Mute())
    LineTracer(0, memory, frozenset()).raised(1, RuntimeError("\udcff" + "x" * 100_000))
    texts = [one.text for one in memory.raised(0)]
    assert "Mute" in texts[0]
    assert "\\udcff" in texts[1]
    assert "characters" in texts[1]
    assert len(texts[1]) < 10_000


def test_exceptions_without_room_are_left_out() -> None:
    memory = CodeMemory(2)
    for op in range(20):
        memory.record(Raised(0, op, "x" * 4000))
    memory.record(Raised(1, 0, "short"))
    assert [one.op for one in memory.raised(0)] == list(range(6))
    assert [one.text for one in memory.raised(1)] == ["short"]
    memory.clear()
    assert memory.raised(0) == []
    memory.record(Raised(0, 9, "again"))
    assert [one.op for one in memory.raised(0)] == [9]
