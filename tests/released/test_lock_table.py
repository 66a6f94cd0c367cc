"""The table of locks says what its cells say, and each violation in it has a witness that reads."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from harness.results.witness import read
from tests.released.lock_table import RESULTS, ROOT, SCENARIOS, rendered

CELLS = json.loads((RESULTS / "locks.json").read_text())["cells"]


def test_the_table_is_made_of_its_cells() -> None:
    assert (RESULTS / "locks.md").read_text() == rendered(CELLS)


def test_nothing_in_it_is_unknown() -> None:
    assert CELLS
    assert [cell["fence"] for cell in CELLS if cell["inconclusive"]] == []


def test_each_violation_of_a_lock_has_its_witness() -> None:
    kept = set()
    for cell in CELLS:
        kinds = set(cell["violations"]) - {"false_positive"}
        assert set(cell["found"]) == kinds, (cell["scenario"], cell["fence"])
        for kind, found in cell["found"].items():
            witness = read(str(ROOT / found["witness"]))
            assert (witness.claim.kind, witness.claim.detail) == (kind, found["detail"])
            assert witness.fence == cell["fence"]
            kept.add(found["witness"])
    assert kept == {str(path.relative_to(ROOT)) for path in (RESULTS / "locks").iterdir()}


def test_every_scenario_of_the_table_exists_and_has_a_source() -> None:
    for path in SCENARIOS.values():
        assert yaml.safe_load(Path(ROOT / path).read_text())["source"]
