"""For each control the story that a person would write down by hand, in a few words.

A *cast* says what each lane of the scenario does, in the scenario's order, one word an
operation; a lane with an empty string does nothing:

    ``b l p r g v e``  a runner: begin_turn, load, append (a prompt), release_for_prompt,
                       guarded_write, recover, end_turn; another ``b`` is another turn
    ``g~``             a guarded write whose write call is cut short by a full disk
    ``w``              the runner's own writer: acquire, append, release
    ``a + R -``        any other participant: acquire, append, rewrite by rename, release
    ``t5 z60``         thinks for 5 scheduling points, pauses for 60 virtual milliseconds
    ``+^kill@2``       any of these, at whose second step its process is killed; ``^stop60@2`` is
                       stopped there for 60 virtual milliseconds, ``^slow60`` and ``^ahead60`` likewise;
                       ``a^eintr``: a signal ends its wait for the lock
    ``!NAME``          a rogue action; ``!NAME@250`` names the line, in thousandths of all

A *plot* says in which order lanes go. ``0 1 0``: the first lane, then all of the second
one, then the rest of the first. Where a lane is left and comes again the place is swept:
each is tried, and the least story that shows the control's violation, and under which the
control's original shows none, counts. ``1@2`` is no place to be swept: the lane has ended
its operation number 2, from 0; ``1@2.3``: the step number 3 of it. So is the place named
where a sweep takes long, and where the original's steps are others than the control's.

The stories are made from what the controls and their scenarios say, never from what the
shrinker says. Families have the reason why less will not do.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["STORIES", "Story"]

#: A fence is asked for no turn without these, and decides in no less.
_TURN = "b l r g e"
#: As long as it takes until the second decision.
_TWICE = "b l r g g e"
_SECTION = "a + -"


class Story(NamedTuple):
    """What a person would write down.

    Args:
        cast: what each lane does.
        plot: who goes when.
        whole: whether the transcript begins as the scenario draws it; else with its header alone.
    """

    cast: tuple[str, ...]
    plot: str = "0 1 0"
    whole: bool = False


def _rogue(action: str, turn: str = _TURN, plot: str = "0 1 0", *, whole: bool = False) -> Story:
    """A runner and one action."""
    return Story((turn, f"!{action}"), plot, whole)


def _cotenant(turn: str = _TURN, plot: str = "0 1 0") -> Story:
    """A runner and one line of somebody else under the lock."""
    return Story((turn, _SECTION), plot)


STORIES: dict[str, Story] = {
    # A turn with one decision and one action of the fewest calls that the guard is there for: a missed
    # takeover needs something to miss and a decision that misses it.
    "pr-84046-without-dev-inode": _rogue("replace-same-bytes"),
    "pr-84046-without-birth-time": _rogue("recreate-same-bytes"),
    "pr-84046-without-size": _rogue("append-user"),
    "pr-84046-without-snapshot-consistency": _rogue("same-size-rewrite"),
    "pr-84046-without-prefix-hash": _rogue("same-size-rewrite"),
    "pr-84046-without-canonical-entries": _rogue("append-user"),
    "pr-84046-snapshot-retried": _rogue("same-size-rewrite"),
    "pr-84046-path-for-file": _rogue("replace-same-bytes", plot="0@2 1 0"),
    "pr-84046-hash-of-last-4-kib": _rogue("same-size-rewrite@40", whole=True),
    "pr-84046-hash-of-first-4-kib": _rogue("same-size-rewrite@960", whole=True),
    "pr-84046-line-count": _rogue("same-size-rewrite"),
    "pr-84046-last-id": _rogue("same-size-rewrite"),
    "stat-size-only": _rogue("same-size-rewrite"),
    "stat-whole-seconds": _rogue("same-size-rewrite"),
    "stat-without-ctime": _rogue("same-size-rewrite-mtime-restored"),
    "stat-baseline-after-unlock": _rogue("append-user", plot="0@2.3 1 0"),
    "stat-trusts-last-owner": _rogue("append-user"),
    "ledger-heals-itself": _rogue("append-user"),
    "ledger-looks-at-kept-file": _rogue("recreate-other-bytes"),
    "ledger-ignores-torn-line": _rogue("append-torn"),
    # The same, where the decision comes to another end than a verdict.
    "pr-84046-parses-foreign-lines": _rogue("append-not-json"),
    "stat-needs-a-file": _rogue("delete"),
    "ledger-waits-for-itself": _rogue("append-user"),
    "ledger-lock-left-behind": _rogue("append-user"),
    # What is absorbed is missed by the second decision: the first one raced with it.
    "pr-84046-without-slow-path-consistency": _rogue("same-size-rewrite", "b l r w g g e"),
    "ledger-refreshed-after-write": _rogue("append-user", "b l p r g e"),
    # Compared with what a write of its own left, so that there must be one before the decision.
    "ledger-believes-stat": _rogue("mmap-store-dirty", "b l p r g e"),
    "ledger-takes-ctime-for-change": _rogue("touch", "b l p r g e"),
    # A false alarm by a lawful neighbour: his section and one decision.
    "ledger-look-before-lock": _cotenant(),
    "ledger-per-process": _cotenant(),
    "ledger-cotenant-silent": _cotenant(),
    # The same; the decision falls into what he does late.
    "issue-84071-a-refreshed-after-unlock": _cotenant(plot="0@2 1 0 1"),
    "ledger-written-after-unlock": _cotenant(plot="0@2 1 0 1"),
    # The same, one decision later: the first one loses his record.
    "ledger-lock-let-go-between": _cotenant(_TWICE),
    # The runner's own lines, or its own lock, lost at the first write; the second one finds that.
    "pr-84046-without-snapshot-after-throw": Story(("b l r g~ g e",), "0"),
    "stat-baseline-lost-by-throw": Story((_TWICE, "a -"), "0@2.3 1@0.3 0 1 0"),
    # Nobody writes: the lock is held for longer than the runner waits.
    "ledger-time-out-is-takeover": Story((_TURN, "a z300 -"), "0 1@0 0 1"),
    # What a report leaves behind for the next turn, another runner, or after a recovery.
    "ledger-flag-kept-over-turns": _rogue("append-user", f"{_TURN} {_TURN}"),
    "ledger-baseline-of-first-turn": _rogue("append-user", f"b l r e {_TURN}"),
    "ledger-flag-per-process": Story((_TURN, _TURN, "!append-user"), "0 2 0 1"),
    "ledger-recovers-flag-only": _rogue("append-user", "b l r g v g e"),
    "ledger-blind-after-recovery": Story(("b l r g v g e", "!append-user !append-user"), "0 1@0 0@4 1 0"),
    # An action, and a participant that makes it lawful before the decision.
    "ledger-cotenant-looks": Story((_TURN, _SECTION, "!append-user"), "0 2 1 0"),
    "ledger-load-refreshes-all": Story((_TURN, "a R -", "!append-user"), "0 2 1 0"),
    "ledger-blind-rewrite": Story((_TURN, "a R -", "!append-user"), "0 2 1 0"),
    # Two writers, one of which does not know of the other.
    "ledger-appends-to-kept-file": Story((_TURN, "a R -")),
    "none-remembered-offset": _cotenant(),
    "none-writes-its-copy-back": _cotenant(),
    # The second load of one process is the first that can be out of date.
    "none-cached-load": Story(("", "a R - a R -", _SECTION), "1 2 1"),
    # A line is acknowledged, then the turn is refused.
    "ledger-acknowledges-early": _rogue("append-user"),
    # Two that want the lock.
    "ledger-robs-paused-holder": Story(("b l r e", "a z60 + -"), "1@0 0 1"),
    "lock-neighbour-is-orphan": Story(("b l r e", "a + -", "", ""), "1@0 0 1"),
    "lock-empty-is-stale": Story(("", "", "a + -", "a -"), "2 3@0 2 3"),
    "lock-renamed-into-place": Story(("", "", "a -", "a -"), "2 3 2 3"),
    # One of them makes the lock file, and its disk takes its time; is stopped between check and write.
    "lock-grace-too-short": Story(("", "a^slow200@2 + -", "a z300 -"), "1 2 1"),
    "ledger-checks-before-write": Story(("b l r e", "a +^stop400@7 -"), "1 0 1"),
    # It holds the lock and seems dead to the runner.
    "ledger-robs-the-dead": Story(("b l r e", "a + -"), "1@0 0 1"),
    # It waits for the runner's lock, and goes on without.
    "lock-interrupted-is-held": Story((_TURN, "a^eintr + -"), "0@1 1 0@2 1 0"),
    # The laptop is closed while the model thinks.
    "ledger-late-is-takeover": Story(("b l r t1^ahead7200000@1 g e",), "0"),
    # One of them is killed with it.
    "lock-dead-is-held": Story(("b l r e", "a +^kill@1 -"), "1 0"),
    # Three: a holder, one that unlinks his lock, and one that takes it then.
    "lock-released-twice": Story(("b l r e", "a + -", "a -", ""), "0 1@0 0 2 1"),
    "lock-unlinked-at-time-out": Story(("b l r e", "a z300 + -", "a -"), "1@0 2 0 1"),
}
