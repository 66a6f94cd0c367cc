"""The tables bear all that the documents say of all versions, or of none."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.released.claims import DOCUMENTS, ROOT, Claim, Untrue, filled

#: Words that speak of all cells of a table, or of none.
_SWEEPING = re.compile(
    r"\b(nowhere|nothing (of this )?was found|(in|by) (every|all|no|any) versions?|no later version)\b",
    re.I,
)


def cell(fence: str, scenario: str = "busy-lock", schedules: int = 50, **violations: int) -> dict[str, Any]:
    return {"scenario": scenario, "fence": fence, "schedules": schedules, "violations": violations}


CELLS = [
    cell("a@1", double_hold=5),
    cell("a@2", double_hold=10),
    cell("a@3", schedules=40),
    {**cell("a@3", "quickstart"), "deeper": {"schedules": 300}},
]


def claim(fences: str, holds: Any = "where", scenarios: tuple[str, ...] = ()) -> Claim:
    return Claim("- two in {where}: {counts}.", "double_hold", lambda one: one in fences, scenarios, holds)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_claims_of_a_document_follow_from_its_table(document: str) -> None:
    assert (ROOT / document).read_text() == filled(document)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_sweeps_nowhere_but_in_its_claims(document: str) -> None:
    text = re.sub(
        r"<!-- claims:.*?<!-- end of claims -->", "", (ROOT / document).read_text(), flags=re.DOTALL
    )
    assert [line for line in text.splitlines() if _SWEEPING.search(line)] == []


def test_a_claim_tells_how_often_and_in_how_many_schedules_not() -> None:
    assert claim("a@1a@2", "each").sentence(CELLS) == "- two in `busy-lock`: 10 to 20 of 100 schedules."
    told = claim("a@1a@3").sentence(CELLS)
    silent = "0 of 340 schedules, 2 scenarios by 1 fence"
    assert told == f"- two in `busy-lock`: 10 of 100 schedules; elsewhere {silent}."
    assert claim("a@3", "none").sentence(CELLS) == f"- two in no scenario: {silent}."


@pytest.mark.parametrize(("fences", "holds"), [("a@1a@3", "each"), ("a@2a@3", "none"), ("b@1", "where")])
def test_a_claim_that_the_cells_do_not_bear_is_refused(fences: str, holds: str) -> None:
    with pytest.raises(Untrue):
        claim(fences, holds).sentence(CELLS)


def test_a_claim_about_some_scenarios_leaves_the_others_out() -> None:
    told = claim("a@3", "none", ("busy-lock",)).sentence(CELLS)
    assert told == "- two in no scenario: 0 of 40 schedules, 1 scenario by 1 fence."
