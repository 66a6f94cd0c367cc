from __future__ import annotations

import json
import lzma
import re
from pathlib import Path

import msgspec

from harness.model import history_text
from harness.oracle import judge
from harness.results.witness import Witness, decode, encode, read
from harness.results.witness_archive import encode as packed
from harness.results.witness_archive import members
from tests.released.stored_witnesses import cause_of, causes, load, name_of, readable, store
from tests.released.verdict_table import RESULTS, rendered

CELLS = json.loads((RESULTS / "openclaw.json").read_text())["cells"]
CONTENTS = load(RESULTS)
WITNESSES = {name: decode(data, name) for name, data in CONTENTS.items()}
FILES = {path.name for path in (RESULTS / "openclaw").iterdir()}
ARCHIVE = RESULTS / "openclaw.tar.xz"


def test_each_named_witness_is_found_and_of_its_cell() -> None:
    named: dict[str, str] = {}
    for cell in CELLS:
        assert set(cell["witnesses"]) == set(cell["violations"])
        for kind, path in cell["witnesses"].items():
            named[path] = name_of(path)
            witness = WITNESSES[named[path]]
            assert (witness.scenario["name"], witness.claim.kind) == (cell["scenario"], kind)
    assert set(named.values()) == set(CONTENTS)
    for path, name in named.items():
        inside = path == f"results/{ARCHIVE.name}:{name}"
        assert (path == f"results/openclaw/{name}") == (name in FILES) != inside
    path = next(path for path in named if ":" in path)
    assert read(str(RESULTS.parent / path)) == WITNESSES[named[path]]


def test_each_witness_in_the_documentation_is_there() -> None:
    text = (RESULTS.parent / "docs" / "openclaw.md").read_text()
    paths = re.findall(r"results/openclaw[\w./+:-]*\.json\b", text)
    shown = [path for path in paths if path != "results/openclaw.json"]
    assert len(shown) == 2
    for path in shown:
        assert read(str(RESULTS.parent / path)) == WITNESSES[name_of(path)]


def test_no_witness_is_kept_twice() -> None:
    assert not FILES & set(members(str(ARCHIVE)))
    assert {Path(name).suffix for name in CONTENTS} == {".json"}


def test_the_files_are_one_of_each_cause() -> None:
    chosen = readable(WITNESSES)
    assert set(chosen.values()) == FILES
    assert set(chosen) == {cause_of(witness) for witness in WITNESSES.values()}
    assert all(WITNESSES[name].shrunk_from for name in FILES)


def test_the_tables_are_those_of_the_cells_and_witnesses() -> None:
    assert (RESULTS / "openclaw.md").read_text() == f"{rendered(CELLS)}\n{causes(CONTENTS)}"


def test_the_archive_is_made_of_its_members() -> None:
    # Another release of xz may pack the same bytes otherwise.
    unpacked = lzma.decompress(ARCHIVE.read_bytes())
    assert unpacked == lzma.decompress(packed(members(str(ARCHIVE))))


def test_each_stored_history_is_judged_as_its_witness_claims() -> None:
    for name, witness in WITNESSES.items():
        found = judge(history_text.decode(witness.history.encode(), name))
        assert witness.claim.kind in {violation.kind for violation in found.violations}, name


def _other(witness: Witness, name: str, **fields: object) -> tuple[str, bytes]:
    return name, encode(msgspec.structs.replace(witness, **fields))


def test_the_shortest_shrunk_witness_of_a_cause_is_the_file(tmp_path: Path) -> None:
    witness = WITNESSES["reclaim-race.2026.5.27.double_hold.json"]
    crash = msgspec.structs.replace(witness.claim, kind="crash")
    contents = dict(
        [
            _other(witness, "short.json", history="abc", shrunk_from=None),
            _other(witness, "long.json", history="abcde"),
            _other(witness, "second.json", history="abcd"),
            _other(witness, "first.json", history="abcd", critical=()),
            _other(witness, "another.json", claim=crash),
        ]
    )
    results = tmp_path / "results"
    results.mkdir()
    (results / "openclaw").mkdir()
    (results / "openclaw" / "stale.json").write_text("{}")
    places = store(results, contents)
    assert places == {
        "short.json": "results/openclaw.tar.xz:short.json",
        "long.json": "results/openclaw.tar.xz:long.json",
        "second.json": "results/openclaw.tar.xz:second.json",
        "first.json": "results/openclaw/first.json",
        "another.json": "results/openclaw/another.json",
    }
    assert sorted(path.name for path in (results / "openclaw").iterdir()) == ["another.json", "first.json"]
    assert load(results) == contents
    assert {name: name_of(path) for name, path in places.items()} == {name: name for name in contents}


def test_a_cause_has_roles_and_actions_and_no_names() -> None:
    cause = cause_of(WITNESSES["holder-killed.2026.5.18.lost_entry.json"])
    assert cause == (
        "lost_entry",
        "an entry was acknowledged to runner but never stood in the transcript as a whole line; "
        "it was appended onto an unfinished one",
        (),
    )
    claim = "cron acquired the write lock while cron was robbed of it and then still changed the transcript"
    assert cause_of(WITNESSES["reclaim-race.2026.5.27.double_hold.json"]) == ("double_hold", claim, ())
    assert cause_of(WITNESSES["certificate.2026.5.18.missed_takeover.json"])[2] == ("delete",)
