"""The conformance test passes correct adapters, and names the wrong line of the others."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fence.external import external
from harness.tools.conform import CHECKS, Finding, examine, protocol_checks
from tests.acceptance.harness_process import ROOT
from tests.fence.external.adapters import PROGRAM, command
from tests.patience import GENEROUS_S

NODE = "node examples/node/stat.mjs"


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol_checks, "_LEAVE_S", GENEROUS_S)


def findings(words: str) -> list[Finding]:
    return list(examine(words, external(words).hello))


def off(words: str) -> dict[str, str]:
    return {finding.about: finding.why for finding in findings(words) if finding.why}


def test_an_adapter_of_fifty_lines_passes() -> None:
    words = command()
    found = findings(words)
    assert len(found) == len(CHECKS)
    assert [finding for finding in found if finding.why] == []


def test_the_example_in_perl_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert off("perl examples/perl/digest.pl") == {}


@pytest.mark.requires("node")
def test_the_example_in_node_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert off(NODE) == {}


@pytest.mark.parametrize(
    ("good", "bad", "why"),
    [
        ('{"answer": "stale_lock", "message": "not held"}', "{}", "release of cron: expected stale_lock"),
        ('file.write(b"".join(lines))', "file.write(lines[0])", "they differ at byte"),
        ("base64.b64encode(_read(self.path))", "base64.b64encode(b'')", "other bytes than"),
        ('{"answer": "unsupported"}', "{}", "expected unsupported, got ok"),
        ("{self.path}.lock", "{self.path}.lok", "which hello names, is not held"),
        ("os.O_CREAT | os.O_EXCL |", "os.O_CREAT |", "expected it to wait, got ok"),
        ("sleep_ms=_POLL_MS)", "waits=True)", "no other lane speaks to it"),
        ("json.loads(line)", "_json(line)", "expected no answer"),
        ("        sys.exit(0)\n", "        _hangs(0)\n", "still there 0.3 s after"),
        ('self.path = request["transcript"]', 'self.path = request["transcript"] + "x"', "bytes"),
    ],
)
def test_a_defect_is_reported_with_its_line(
    good: str, bad: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if good.strip() == "sys.exit(0)":
        monkeypatch.setattr(protocol_checks, "_LEAVE_S", 0.3)
    text = PROGRAM.read_text()
    assert good in text
    lenient = "\n\ndef _json(line):\n    try:\n        return json.loads(line)\n    except ValueError:\n"
    lenient += '        return {"id": 0, "do": "load"}\n\n\nif __name__'
    path = tmp_path / "defect.py"
    path.write_text(text.replace(good, bad).replace("\n\nif __name__", lenient))
    found = off(f"{sys.executable} -I -S {path} none none")
    assert any(why in line for line in found.values()), found


def test_an_adapter_that_dies_gets_the_other_checks() -> None:
    found = findings(command("dies"))
    assert len(found) == len(CHECKS)
    assert any("ended with status 7" in finding.why for finding in found)
    assert not all(finding.why for finding in found)
