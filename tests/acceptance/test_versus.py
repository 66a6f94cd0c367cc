"""`bench --versus`: both gates look for the same violation, and the figures are stored."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.harness_process import Harness

pytestmark = pytest.mark.requires("kernel-gate")


def test_versus_measures_both_gates_and_names_flaws_that_free_misses(
    harness: Harness,
) -> None:
    out = harness.session_root.parent / "versus.json"
    ended = harness.call(
        *("bench", "--versus", "--controls", "stat-needs-a-file,pr-84046-without-snapshot-after-throw"),
        *("--rounds", 1, "--limit-s", 8, "--explorers", 1, "--json"),
        *("--session-root", harness.session_root, "--out", out),
    )
    assert ended.status == 0, ended.err
    figures = ended.object
    row, other = figures["rows"]
    assert (row["control"], row["caught_by"]) == ("stat-needs-a-file", "crash")
    for contest in (row["started"], row["standing"]):
        assert (contest["kernel"]["censored"], contest["kernel"]["schedules"]) == (False, 1)
        # Whether blind stress sees it is a matter of luck; that it was tried is not.
        (attempt,) = contest["free"]["attempts"]
        assert attempt["schedules"] >= 1
        assert 0 < attempt["start_s"] < attempt["seconds"]
        assert contest["bound"] == ("" if attempt["found"] else "at least")
    assert list(figures["out_of_reach"]) == ["pr-84046-without-snapshot-after-throw"]
    assert other["control"] == "pr-84046-without-snapshot-after-throw"
    assert other["started"]["free"]["attempts"] == other["standing"]["free"]["attempts"] == []
    assert other["started"]["kernel"]["attempts"][0]["found"]
    assert (figures["totals"]["compared"], figures["totals_all"]["compared"]) == (1, 2)
    assert json.loads(out.read_text()) == figures


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--versus", "--controls", "ledger"), "--controls ledger: no control"),
        (("--versus", "--scenarios", "nowhere"), "nowhere"),
        (("--limit-s", "2"), "--limit-s: given without --versus"),
    ],
)
def test_bad_arguments_measure_nothing(harness: Harness, arguments: tuple[str, ...], said: str) -> None:
    ended = harness.call("bench", *arguments)
    assert ended.status == 2
    assert said in ended.err
    assert not ended.out
