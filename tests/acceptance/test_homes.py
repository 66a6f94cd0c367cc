"""The home and the temporary directory of programs: writable, empty at first, not judged, and no way out."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest

from tests.acceptance.harness_process import Ended, Harness, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

SCENARIO = """\
about: A script works in its home.
source: acceptance test
policy: coordinated
lanes:
  - {role: runner, think_steps: [30, 50]}
  - {role: program, name: script, argv: %s, delay_steps: 0, times: 2}
schedules: 6
expect:
  ledger: []
"""
WORKS = """\
[ -z "$(ls -A "$HOME")$(ls -A "$TMPDIR")" ] || [ -e "$HOME/z" ] || exit 3
new=$(mktemp) && case $new in "$TMPDIR"/*) ;; *) exit 4 ;; esac
echo more > "$new" && chmod 640 "$new" && touch -d 2020-01-01 "$new"
mkdir -p ~/a/b && touch ~/a/b/x && ln -sf ~/a/b/x ~/y && mv ~/a/b/x ~/z && rm -r ~/a || exit 5
case $1 in "$TMPDIR"*|"$HOME"*) exit 6 ;; esac
cat "$new" >> "$1" && mv "$new" "$1.copy" && rm "$1.copy" || exit 7
"""
#: Each of these would change a file outside.
ESCAPES = [
    'echo x > "$HOME/../../victim"',
    'ln -s "$VICTIM" ~/link && echo x > ~/link',
    'ln -s "$FOLDER" ~/folder && echo x > ~/folder/victim',
    'ln -s "$FOLDER" ~/folder && touch ~/folder/new',
    'ln -s "$VICTIM" ~/link && chmod 777 ~/link',
    'ln "$VICTIM" ~/hard && echo x > ~/hard',
    'mv "$VICTIM" ~/taken',
    'echo x > ~/own && mv ~/own "$FOLDER/own"',
    'mkfifo "$FOLDER/pipe"',
    'rmdir "$TMPDIR" "$HOME" "$(dirname "$HOME")"; mv "$(dirname "$HOME")" "$FOLDER/"',
]


#: Damages by a program to its home; the next schedule has an empty one again.
SPOILS = [
    'rmdir "$HOME" && ln -s "$FOLDER" "$HOME"',
    'rmdir "$HOME" && echo x > "$HOME"',
    'rmdir "$HOME" "$TMPDIR"',
    'echo x > ~/file && chmod 0 "$HOME"',
    'chmod 750 "$HOME"',
    'mkdir "$HOME/../more" && echo x > "$HOME/../more/x"',
    'mv "$HOME" "$HOME/../taken"',
]
#: A start that ends with status 0 acknowledges a line that is not written; where its home is not new it does.
LOOKS = """\
[ "$(stat -c %F%a "$HOME" "$TMPDIR")" = "directory700
directory700" ] || exit 0
[ -z "$(ls -A "$HOME" "$TMPDIR" | grep -v -e "^/" -e "^$")" ] || exit 0
[ "$(ls -A "$HOME/..")" = "home
tmp" ] || exit 0
"""


def run(harness: Harness, tmp_path: Path, script: str, *words: object) -> Ended:
    file = tmp_path / "script.sh"
    file.write_text(script)
    path = write_scenario(tmp_path, SCENARIO % json.dumps(["sh", str(file), "{transcript}"]))
    return harness.run(path, "--fence", "ledger", "--allow-programs", "--json", "--no-shrink", *words)


def test_a_program_works_in_its_home_and_leaves_nothing_for_the_next_schedule(
    harness: Harness, tmp_path: Path
) -> None:
    ended = run(harness, tmp_path, WORKS)
    assert ended.status == 0 and ended.object["inconclusive"] == 0, ended
    assert os.listdir(harness.session_root) == []


@pytest.mark.parametrize("script", ESCAPES)
def test_no_way_leads_out_of_it(harness: Harness, tmp_path: Path, script: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    victim = folder / "victim"
    victim.write_text("whole")
    victim.chmod(0o640)
    before = victim.stat()
    script = f"VICTIM={victim} FOLDER={folder}; {script}; echo line >> $1"
    ended = run(harness, tmp_path, script, "--schedules", 2)
    assert ended.status in (0, 3), ended
    assert victim.read_text() == "whole" and os.listdir(folder) == ["victim"]
    after = victim.stat()
    assert (after.st_mode, after.st_nlink, after.st_mtime_ns) == (
        before.st_mode,
        before.st_nlink,
        before.st_mtime_ns,
    )
    assert os.listdir(harness.session_root) == []


@pytest.mark.parametrize("spoils", SPOILS)
def test_the_next_schedule_has_an_empty_home_after_any_damage(
    harness: Harness, tmp_path: Path, spoils: str
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_text("whole")
    argv = ["sh", "-c", f"FOLDER={folder}\n{LOOKS}echo line >> $1; {spoils}; exit 1", "sh", "{transcript}"]
    lane = "participant: true, acknowledges: [s1], argv"
    text = SCENARIO.replace("times: 2", "times: 1").replace("argv", lane) % json.dumps(argv)
    words = ("--fence", "ledger", "--allow-programs", "--json", "--no-shrink")
    found = harness.run(write_scenario(tmp_path, text), *words).object
    assert (found["inconclusive"], found["violations"].get("lost_entry", 0)) == (0, 0), found
    assert (folder / "file").read_text() == "whole"
    assert os.listdir(harness.session_root) == []


@pytest.mark.requires("vim")
def test_vim_saves_by_a_rename_as_it_does_at_home(harness: Harness, tmp_path: Path) -> None:
    vim = ["vim", "-es", "-u", "DEFAULTS", "-c", "%s/text/texx/e", "-c", "wq", "{transcript}"]
    path = write_scenario(tmp_path, SCENARIO % json.dumps(vim))
    words = ("--fence", "none", "--allow-programs", "--schedules", 12)
    # Below /tmp it takes any file for a temporary one, with any TMPDIR.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as root:
        elsewhere = harness.run(path, *words, "--session-root", root)
    below = harness.run(path, *words, "--force")
    assert "the file is gone" in elsewhere.out and "-> 0 bytes" not in elsewhere.out, elsewhere
    assert "the file is gone" not in below.out and "-> 0 bytes" in below.out, below
