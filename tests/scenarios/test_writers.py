"""results/writers.md tells the truth: each writer cuts its line where the table says, and as it says."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.explore.explorer import Explorer, ticking
from harness.oracle import judge
from harness.scenario import load
from harness.strategies import make
from harness.system.janitor import place
from tests.writer_table import LIBRARIES, TABLE, libraries, rows, version_of
from tests.writing import LONGEST, WRITERS, Measured, Writer, all_writers, length_of_long

pytestmark = [pytest.mark.requires("kernel-gate"), pytest.mark.xdist_group("writers")]

ROWS: list[dict[str, Any]] = json.loads(TABLE.read_text())


def _case(row: dict[str, Any]) -> Any:
    library = LIBRARIES.get(row["writer"])
    marks = [pytest.mark.requires(library[0])] if library else []
    return pytest.param(row, id=row["writer"], marks=marks)


@pytest.fixture(scope="module")
def fetch() -> Iterator[Callable[[str], None]]:
    """Fetch the libraries of a registry, once; they are gone after the last test."""
    with contextlib.ExitStack() as stack:
        fetched: set[str] = set()

        def fetch(registry: str) -> None:
            if registry not in fetched:
                fetched.add(registry)
                stack.enter_context(libraries((registry,)))

        yield fetch


def test_the_table_has_a_row_for_every_writer_and_the_document_is_made_of_it() -> None:
    assert [row["writer"] for row in ROWS] == [path.stem for path in all_writers()]
    shown = TABLE.with_suffix(".md").read_text().splitlines()
    made = "\n".join(rows(ROWS)).splitlines()
    first = next(at for at, line in enumerate(made) if line.startswith("|"))
    assert shown[first:] == made[first:]


def test_no_writer_is_accused_under_the_lock() -> None:
    assert {row["writer"]: row["locked"] for row in ROWS if row["locked"]} == {}


@pytest.mark.parametrize("row", [_case(row) for row in ROWS if row["version"]])
def test_a_writer_cuts_its_line_where_and_how_the_table_says(
    row: dict[str, Any], fetch: Callable[[str], None]
) -> None:
    path = WRITERS / f"{row['writer']}.yaml"
    if path.stem in LIBRARIES:
        fetch(LIBRARIES[path.stem][0])
    if version_of(path) != row["version"]:
        pytest.skip(f"this machine lacks: {row['version']}")
    with Writer(load(str(path))) as writer:
        if not row["cut_from"]:
            found = Measured(None, writer.line(LONGEST))
            assert len(found.long.pieces) == 1
        else:
            rest = writer.line(row["cut_from"]).bytes - row["cut_from"]
            whole, cut = (writer.line(row["cut_from"] - rest - less) for less in (1, 0))
            assert (whole.bytes, len(whole.pieces)) == (row["cut_from"] - 1, 1)
            assert cut.bytes == row["cut_from"] and len(cut.pieces) > 1
            found = Measured(cut, writer.line(length_of_long(cut)))
    assert (found.how, found.long.found) == (row["how"], row["between"])


def test_a_line_that_is_cut_under_the_lock_is_one_line() -> None:
    """Other lanes wait while it is half there, and no fence finds it."""
    path = WRITERS / "python-json-dump.yaml"
    explorer = Explorer(load(str(path)), "none", "kernel", place(None, real=False))
    with ticking():
        try:
            history = explorer.run(explorer.program(1, 0), make("random"), 1, 0)[0]
        finally:
            explorer.close()
    changes = [event.change for event in history.events if getattr(event, "change", None)]
    held = [change.held for change in changes if history.blobs[change.after.content].endswith(b"\n") is False]
    assert len(held) >= 2 and all(held)
    judgement = judge(history)
    assert not judgement.violations and not judgement.inconclusive
