"""Tables of released software say what their cells say, and each violation has a witness that reads."""

from __future__ import annotations

import pytest
import yaml

from harness.results.witness import read
from tests.released import lock_table, store_table, whole_file_table
from tests.released.store_table import STORES
from tests.released.tables import RESULTS, ROOT, Table

of_each_table = pytest.mark.parametrize(
    "table",
    [
        pytest.param(module.TABLE, id=module.TABLE.name)
        for module in (lock_table, store_table, whole_file_table)
    ],
)


@of_each_table
def test_a_table_is_made_of_its_cells(table: Table) -> None:
    assert table.known()
    assert (RESULTS / f"{table.name}.md").read_text() == table.rendered(table.known())


@of_each_table
def test_nothing_in_a_table_is_unknown(table: Table) -> None:
    assert [cell["fence"] for cell in table.known() if cell["inconclusive"]] == []


@of_each_table
def test_each_violation_has_its_witness(table: Table) -> None:
    kept = set()
    for cell in table.known():
        kinds = set(cell["violations"]) - {"false_positive"}
        assert set(cell["found"]) == kinds, (cell["scenario"], cell["fence"])
        for kind, found in cell["found"].items():
            witness = read(str(ROOT / found["witness"]))
            assert (witness.claim.kind, witness.claim.detail) == (kind, found["detail"])
            assert witness.fence == cell["fence"]
            kept.add(found["witness"])
    assert kept == {str(path.relative_to(ROOT)) for path in (RESULTS / table.name).iterdir()}


@of_each_table
def test_every_scenario_of_a_table_exists_and_has_a_source(table: Table) -> None:
    for path in table.paths.values():
        assert yaml.safe_load((ROOT / path).read_text())["source"]


def test_every_scenario_of_stores_is_in_the_table() -> None:
    assert {path.stem for path in STORES.glob("*.yaml")} == set(store_table.TABLE.paths)


def test_only_a_package_without_a_lock_loses_lines() -> None:
    for cell in whole_file_table.TABLE.known():
        assert set(cell["violations"]) == ({"lost_entry"} if cell["fence"].endswith("+unlocked") else set())
