"""The table of session stores says what its cells say, and each violation in it has a witness that reads."""

from __future__ import annotations

import json

import yaml

from harness.results.witness import read
from tests.released.store_table import RESULTS, ROOT, SCENARIOS, STORES, rendered

CELLS = json.loads((RESULTS / "stores.json").read_text())["cells"]


def test_the_table_is_made_of_its_cells() -> None:
    assert CELLS
    assert (RESULTS / "stores.md").read_text() == rendered(CELLS)


def test_each_violation_of_a_store_has_its_witness() -> None:
    kept = set()
    for cell in CELLS:
        assert set(cell["found"]) == set(cell["violations"]) - {"false_positive"}
        for kind, found in cell["found"].items():
            witness = read(str(ROOT / found["witness"]))
            assert (witness.claim.kind, witness.claim.detail) == (kind, found["detail"])
            assert witness.fence == cell["fence"]
            kept.add(found["witness"])
    assert kept == {str(path.relative_to(ROOT)) for path in (RESULTS / "stores").iterdir()}


def test_every_scenario_of_stores_is_in_the_table_and_has_a_source() -> None:
    assert {path.stem for path in STORES.glob("*.yaml")} == set(SCENARIOS)
    for name in SCENARIOS:
        assert yaml.safe_load((STORES / f"{name}.yaml").read_text())["source"]
