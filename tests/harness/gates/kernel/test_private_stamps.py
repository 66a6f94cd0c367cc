"""Stamps and inode numbers in a program's own directories are the same in each run and fit its clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.gates.kernel.test_programs import histories, steps, told

pytestmark = pytest.mark.requires("kernel-gate", "clock of programs")

MOVED = """
file=$(mktemp); { cat "$0"; echo '{}'; } > $file; mv $file "$0"
age=$(( $(date +%s) - $(stat -c %Y "$0") )); [ $age -ge 0 ] && [ $age -lt 60 ] || exit 3
"""
KEPT = """
cp "$0" $TMPDIR/a; sleep 100; touch -d @1000000000 $TMPDIR/b; echo '{}' >> $TMPDIR/a; sleep 1
[ $(stat -c %Y $TMPDIR/b) = 1000000000 ] && [ $TMPDIR/a -nt $TMPDIR/b ] || exit 3
cp -p $TMPDIR/a "$0"; [ $(stat -c %Y "$0") = $(stat -c %Y $TMPDIR/a) ] || exit 4
age=$(( $(date +%s) - $(stat -c %Y $TMPDIR/a) )); [ $age -ge 1 ] && [ $age -lt 60 ] || exit 5
date -r $TMPDIR/a +%s.%N >> "$0"
"""
NUMBERED = """
touch $HOME/x $TMPDIR/y; ln -s /etc $TMPDIR/z; exec 5> $TMPDIR/w; mkdir $HOME/d
stat -c "%y %z %w %i" $HOME $TMPDIR $HOME/x $HOME/d >> "$0"
stat -c "%y %i %F" $TMPDIR/z $TMPDIR/y >> "$0"; stat -L -c "%y %i" /proc/self/fd/5 >> "$0"
[ $(stat -c %i $TMPDIR/y) != $(stat -c %i $HOME/x) ] || exit 3
find $HOME $TMPDIR -mmin -5 | grep -q "/x$" || exit 4
"""


@pytest.mark.parametrize("script", [MOVED, KEPT, NUMBERED], ids=["moved", "kept", "numbered"])
def test_stat_of_own_files_is_virtual(tmp_path: Path, script: str) -> None:
    argv = ["sh", "-c", script, "{transcript}"]
    once, again = (histories(tmp_path / name, argv, 2) for name in ("once", "again"))
    for one, other in zip(once, again, strict=True):
        assert not one.events[-1].inconclusive
        assert told(one) == "exit status 0", steps(one)
        assert one == other
