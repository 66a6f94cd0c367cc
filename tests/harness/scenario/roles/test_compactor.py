from __future__ import annotations

import json
import random

from hypothesis import given
from hypothesis import strategies as st

from harness.model.program import Op
from harness.model.transcript_lines import make
from harness.scenario.roles.compactor import ROLE, CompactorSettings, rewrite_lines
from harness.scenario.roles.role import Ids


def transcript(*ids: str) -> bytes:
    lines = [make("session", "head", 0), *(make("user", identity, 8) for identity in ids)]
    return b"".join(f"{entry.line}\n".encode() for entry in lines)


def compaction(keep: int, summary_id: str = "c-1") -> Op:
    return Op("rewrite", args={"kind": "compaction", "keep": keep, "summary_id": summary_id})


MIGRATION = Op("rewrite", args={"kind": "migration", "keep": 0, "summary_id": "c-1"})


def ids_in(content: bytes) -> set[str]:
    found: set[str] = set()
    for line in content.splitlines():
        entry = json.loads(line)
        found |= {entry["id"], *entry.get("compacts", ())}
    return found


def test_a_rewrite_happens_under_the_lock_with_its_rule() -> None:
    settings = CompactorSettings(
        role="compactor", delay_steps=0, how=("rename",), kind=("migration",), keep=2
    )
    ops = ROLE.draw(settings, random.Random(1), Ids("compactor", 10))
    assert [op.kind for op in ops] == ["acquire", "rewrite", "release"]
    assert ops[1].how == "rename"
    assert ops[1].args == {"kind": "migration", "keep": 2, "summary_id": "compactor-1"}
    assert len(ops) <= ROLE.size(settings).ops


def test_every_manner_and_kind_that_is_allowed_is_drawn() -> None:
    settings = CompactorSettings(role="compactor", times=50, kind=("compaction", "migration"), keep=(0, 2))
    ops = ROLE.draw(settings, random.Random(1), Ids("compactor", 10))
    rewrites = [op for op in ops if op.kind == "rewrite"]
    assert {(op.how, op.args["kind"]) for op in rewrites} == {
        (how, kind) for how in ("in_place", "rename") for kind in ("compaction", "migration")
    }
    assert {op.args["keep"] for op in rewrites} == {0, 1, 2}


def test_a_compaction_keeps_the_header_and_the_last_lines() -> None:
    content = transcript("a-1", "a-2", "a-3")
    before = content.splitlines(keepends=True)
    after = rewrite_lines(content, compaction(1))
    assert (after[0], after[2]) == (before[0], before[3])
    assert json.loads(after[1])["compacts"] == ["a-1", "a-2"]
    assert len(after) == 3


def test_a_second_compaction_passes_on_the_ids_of_the_first() -> None:
    once = b"".join(rewrite_lines(transcript("a-1", "a-2"), compaction(0, "c-1")))
    twice = b"".join(rewrite_lines(once + b'{"id":"a-3"}\n', compaction(0, "c-2")))
    assert ids_in(twice) == {"head", "a-1", "a-2", "a-3", "c-1", "c-2"}


def test_a_compaction_that_keeps_more_than_there_is_drops_nothing() -> None:
    after = rewrite_lines(transcript("a-1"), compaction(9))
    assert [json.loads(line).get("compacts") for line in after] == [None, [], None]


def test_a_migration_changes_every_line_and_loses_none() -> None:
    content = transcript("a-1", "a-2")
    after = rewrite_lines(content, MIGRATION)
    before = content.splitlines(keepends=True)
    assert all(new != old for new, old in zip(after, before, strict=True))
    assert [json.loads(line)["parentId"] for line in after] == ["root", "head", "a-1"]
    again = rewrite_lines(b"".join(after), MIGRATION)
    assert all(new != old for new, old in zip(again, after, strict=True))


def test_lines_without_an_entry_survive_a_migration() -> None:
    odd = [b"not json\n", b"\n", b"[1]\n", b"\xff\xfe\n", b'{"torn":']
    after = rewrite_lines(b"".join(odd), MIGRATION)
    assert after == [*odd[:-1], b'{"torn":\n']


def test_an_empty_transcript_is_no_obstacle() -> None:
    assert rewrite_lines(b"", MIGRATION) == []
    assert [json.loads(line)["compacts"] for line in rewrite_lines(b"", compaction(3))] == [[]]


@given(st.binary(max_size=200), st.integers(0, 5), st.sampled_from(["compaction", "migration"]))
def test_every_rewritten_line_ends_with_a_newline(content: bytes, keep: int, kind: str) -> None:
    op = Op("rewrite", args={"kind": kind, "keep": keep, "summary_id": "c-1"})
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in rewrite_lines(content, op))


@given(st.lists(st.integers(0, 99), unique=True), st.integers(0, 5))
def test_no_id_is_lost_in_a_compaction(numbers: list[int], keep: int) -> None:
    content = transcript(*(f"a-{number}" for number in numbers))
    after = b"".join(rewrite_lines(content, compaction(keep)))
    assert ids_in(after) == ids_in(content) | {"c-1"}
