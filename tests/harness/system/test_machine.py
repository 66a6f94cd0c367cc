"""What is said of a machine, and what of it stands in the way of a comparison."""

from __future__ import annotations

from harness.system.machine import differing, machine


def test_the_machine_is_described_without_names() -> None:
    facts = machine()
    assert set(facts) == {"python", "kernel", "processor", "cores", "load"}
    assert differing(facts, machine()) == []


def test_what_else_goes_on_makes_no_other_machine() -> None:
    assert differing({"cores": 2, "load": 0.1}, {"cores": 2, "load": 9.0}) == []


def test_each_fact_that_differs_is_told_with_both_values_also_when_one_is_missing() -> None:
    assert differing({"cores": 2, "python": "3.11.7"}, {"cores": 8}) == [
        "cores: 2, 8",
        "python: 3.11.7, unknown",
    ]
