"""Figures are stored and read again; other files are refused with place, reason and remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.model.errors import FormatError
from harness.tools.bench.figures import encode, merged, quantity_of, read
from tests.harness.tools.bench.made_up import figures, quantity

_SAMPLE = (2.0, 10.0, 20.0)


def test_stored_figures_are_read_again(tmp_path: Path) -> None:
    stored = figures(quantity(ratios=(1.0, 2.5), counters={"steps": 3}))
    path = tmp_path / "baseline.json"
    path.write_bytes(encode(stored))
    assert read(str(path)) == stored


def test_a_counter_that_differs_between_samples_is_not_steady() -> None:
    found = quantity_of("q", "scenarios", "us", {}, [_SAMPLE] * 2, [{"a": 1, "b": 1}, {"a": 1, "b": 2}])
    assert (found.counters, found.unsteady) == ({"a": 1}, ("b",))


def test_figures_are_medians_and_the_mark_is_of_the_setup() -> None:
    samples = [(1.0, 10.0, 100.0), (3.0, 30.0, 300.0), (2.0, 20.0, 900.0)]
    found = quantity_of("q", "scenarios", "us", {"seed": 1}, samples)
    assert (found.ratios, found.cost, found.wall) == ((1.0, 3.0, 2.0), 20.0, 300.0)
    assert found.setup == quantity_of("q", "scenarios", "us", {"seed": 1}, []).setup
    assert found.setup != quantity_of("q", "scenarios", "us", {"seed": 2}, []).setup


def test_sittings_of_a_quantity_make_one() -> None:
    one = quantity_of("q", "scenarios", "us", {}, [(1.0, 10.0, 30.0)] * 2, [{"a": 1, "b": 1, "c": 1}] * 2)
    others = [{"a": 1, "b": 2, "c": 1}, {"a": 1, "b": 2, "c": 2}]
    other = quantity_of("q", "scenarios", "us", {}, [(2.0, 20.0, 50.0)] * 2, others)
    both = merged(one, other)
    assert (both.ratios, both.cost, both.wall) == ((1.0, 1.0, 2.0, 2.0), 15.0, 40.0)
    assert (both.counters, set(both.unsteady)) == ({"a": 1}, {"b", "c"})
    assert (both.setup, both.doubt) == (one.setup, "")


def test_a_doubt_of_one_sitting_stays() -> None:
    doubtful = quantity_of("q", "scenarios", "us", {}, [], (), "not caught")
    assert merged(quantity_of("q", "scenarios", "us", {}, []), doubtful).doubt == "not caught"


def _damaged(**changes: Any) -> bytes:
    return json.dumps({**msgspec.to_builtins(figures(quantity(ratios=(1.0,)))), **changes}).encode()


def _with_quantity(**changes: Any) -> bytes:
    one = {**msgspec.to_builtins(quantity(ratios=(1.0,))), **changes}
    return _damaged(quantities=[one])


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        (b"[1, 2]", "format None, expected 'harness bench'"),
        (b'{"rounds": 3, "rows": []}', "format None, expected 'harness bench'"),
        (_damaged(format="something else"), "format 'something else'"),
        (_damaged(version=99), "version 99, expected 1"),
        (_damaged(machine=None), "damaged"),
        (_damaged(unheard_of=1), "unheard_of"),
        (_with_quantity(ratios=["a"]), "damaged"),
        (_with_quantity(ratios=[-1.0]), "ratio -1.0, expected one > 0"),
        (_damaged(quantities=[msgspec.to_builtins(quantity())] * 2), "is there twice"),
    ],
)
def test_a_damaged_file_is_refused_with_path_reason_and_remedy(
    tmp_path: Path, data: bytes, what: str
) -> None:
    path = tmp_path / "baseline.json"
    path.write_bytes(data)
    with pytest.raises(FormatError) as caught:
        read(str(path))
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert what in said
    assert f"python -m harness bench --out {path}" in said


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot be read: No such file"):
        read(str(tmp_path / "nowhere.json"))
