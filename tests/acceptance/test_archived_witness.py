"""A witness in an archive is replayed, judged and made smaller like one that stands alone."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from harness.results.witness_archive import encode
from tests.acceptance.harness_process import ROGUE, ROOT, Harness, write_scenario

STORED = ROOT / "results" / "openclaw.tar.xz"


@pytest.mark.requires("kernel-gate")
def test_an_archived_witness_serves_as_its_file_does(harness: Harness, tmp_path: Path) -> None:
    harness.run(write_scenario(tmp_path, ROGUE), "--fence", "none", "--schedules", 10, "--no-shrink")
    (path,) = harness.witnesses()
    folder = tmp_path / "kept"
    folder.mkdir()
    archive = folder / "kept.tar.xz"
    archive.write_bytes(encode({"found.json": path.read_bytes()}))
    member = f"{archive}:found.json"
    root = ("--session-root", harness.session_root)

    replayed = harness.call("replay", member, "--json", *root)
    assert replayed.status == 0
    assert replayed.object["same_history"] is True
    judged = harness.call("judge", member, "--json")
    assert judged.object == harness.call("judge", path, "--json").object

    refused = harness.call("shrink", member, *root)
    assert (refused.status, refused.out) == (2, "")
    assert refused.err.startswith(f"{member}: stands in an archive, which is never written to; give --out")
    small = tmp_path / "small.json"
    shrunk = harness.call("shrink", member, "--out", small, "--json", *root)
    assert (shrunk.status, shrunk.object["shrunk"]) == (0, str(small))
    assert json.loads(small.read_text())["claim"]["kind"] == "missed_takeover"
    assert os.listdir(folder) == ["kept.tar.xz"]


@pytest.mark.parametrize("command", ["replay", "judge", "shrink"])
def test_an_archive_alone_lists_its_witnesses(harness: Harness, command: str) -> None:
    ended = harness.call(command, STORED)
    assert (ended.status, ended.out) == (2, "")
    lead, *listed = ended.err.splitlines()
    assert lead == f"{STORED}: an archive, expected one of its {len(listed)} witnesses; give one of"
    assert f"  {STORED}:busy-gateway.2026.5.18.false_positive.json" in listed


def test_an_unknown_member_lists_those_with_its_words(harness: Harness) -> None:
    ended = harness.call("replay", f"{STORED}:busy-gateway.2026.5")
    assert (ended.status, ended.out) == (2, "")
    lead, *listed = ended.err.splitlines()
    assert lead.startswith(f"{STORED}: no witness 'busy-gateway.2026.5' among its ")
    assert len(listed) > 1
    assert all(line.startswith(f"  {STORED}:busy-gateway.2026.5.") for line in listed)


@pytest.mark.parametrize("command", ["replay", "judge", "shrink"])
def test_an_archive_cut_off_is_refused_with_its_name(harness: Harness, tmp_path: Path, command: str) -> None:
    path = tmp_path / "cut.tar.xz"
    shutil.copy(STORED, path)
    os.truncate(path, path.stat().st_size // 2)
    ended = harness.call(command, f"{path}:busy-gateway.2026.5.18.false_positive.json")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"{path}: cut off")
    missing = harness.call(command, f"{tmp_path}/none.tar.xz:a.json")
    assert (missing.status, missing.out) == (2, "")
    assert missing.err.startswith(f"{tmp_path}/none.tar.xz:a.json: No such file or directory; give")
