"""Test the description of a machine, and the differences that prevent a comparison."""

from __future__ import annotations

from harness.system.machine import differing, machine


def test_the_machine_is_described_without_names() -> None:
    facts = machine()
    assert set(facts) == {"python", "kernel", "processor", "cores", "load"}
    assert differing(facts, machine()) == []


def test_the_load_does_not_distinguish_machines() -> None:
    assert differing({"cores": 2, "load": 0.1}, {"cores": 2, "load": 9.0}) == []


def test_each_differing_fact_is_listed_with_both_values() -> None:
    assert differing({"cores": 2, "python": "3.11.7"}, {"cores": 8}) == [
        "cores: 2, 8",
        "python: 3.11.7, unknown",
    ]
