"""What the attempts of two gates at the same violation come to: medians, ratios, totals.

An attempt that found nothing within the limit is *censored*: what it took is a lower bound,
and stands behind everything that was found. A ratio counts for the kernel gate only as far
as it is sure. `harness.tools.versus` makes the attempts.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import msgspec

__all__ = ["Attempt", "Contest", "Row", "Side", "Totals", "row_of", "rows", "told", "totals_of"]

_TEN = 10.0
#: The clock is read no finer; who was called off at once has none and no schedules.
_TICK_S = 0.0001


class Attempt(msgspec.Struct, frozen=True):
    """One gate in one round.

    Args:
        seconds: to the first violation, or how long was looked in vain.
        schedules: up to it, or all of them.
        found: whether it showed; if not, both figures are lower bounds (*censored*).
        inconclusive: schedules of which the truth was not known.
        start_s: of the seconds, until the first explorer's workers stood ready.
    """

    seconds: float
    schedules: int
    found: bool
    inconclusive: int = 0
    start_s: float = 0.0


class Side(msgspec.Struct, frozen=True):
    """One gate over all rounds.

    Args:
        seconds, schedules: medians.
        censored: whether the medians are lower bounds.
        attempts: round by round.
    """

    seconds: float
    schedules: float
    censored: bool
    attempts: tuple[Attempt, ...]

    @classmethod
    def of(cls, attempts: Sequence[Attempt]) -> Side:
        """The medians; a censored attempt counts as longer than each that found something."""
        alive = sorted(not one.found for one in attempts)
        return cls(
            round(_median([(not one.found, one.seconds) for one in attempts]), 4),
            _median([(not one.found, float(one.schedules)) for one in attempts]),
            alive[len(alive) // 2],
            tuple(attempts),
        )


def _median(values: Sequence[tuple[bool, float]]) -> float:
    """The middle value, or the mean of both; what is censored stands behind the rest."""
    ordered = sorted(values)
    return statistics.fmean(value for _, value in ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1])


class Contest(msgspec.Struct, frozen=True):
    """Both gates at one control.

    Args:
        kernel, free: both sides.
        ratio: the free gate's seconds over the kernel gate's; None where neither found it.
        bound: ``at least`` where the free gate did not find it, ``at most`` where the
            kernel gate did not, else empty; the same goes for both ratios.
        schedules_ratio: the same of schedules; None where the free gate was not asked, too.
    """

    kernel: Side
    free: Side
    ratio: float | None
    bound: str
    schedules_ratio: float | None

    @classmethod
    def of(cls, kernel: Sequence[Attempt], free: Sequence[Attempt], limit_s: float) -> Contest:
        """What attempts come to.

        Args:
            kernel, free: attempts; none where the free gate was not asked.
            limit_s: after so many seconds a gate gave up.
        """
        ours = Side.of(kernel)
        theirs = Side.of(free) if free else Side(limit_s, 0.0, True, ())
        bound = "at least" if theirs.censored else "at most" if ours.censored else ""
        open_ended = ours.censored and theirs.censored

        def ratio(free_value: float, kernel_value: float, least: float) -> float | None:
            return None if open_ended else round(free_value / max(kernel_value, least), 2)

        return cls(
            ours,
            theirs,
            ratio(theirs.seconds, ours.seconds, _TICK_S),
            "" if open_ended else bound,
            ratio(theirs.schedules, ours.schedules, 1) if free else None,
        )

    @property
    def ahead(self) -> bool:
        """Whether the kernel gate was faster for sure."""
        return self.surely(self.ratio, 1)

    @property
    def ten_times(self) -> bool:
        """Whether it was ten times faster for sure."""
        return self.surely(self.ratio, _TEN)

    def surely(self, ratio: float | None, times: float) -> bool:
        """Whether one of the ratios is above `times` for sure; 1 itself is a tie, and no lead."""
        return self.bound != "at most" and ratio is not None and (ratio > 1 and ratio >= times)


class Row(msgspec.Struct, frozen=True):
    """What came of one control.

    Args:
        control, scenario, caught_by: who and where, and what was looked for.
        emulated: whether lanes under the kernel gate are told stamps that real files may not have.
        started: where each attempt starts its workers.
        standing: where the workers of the attempt before serve, as from the second question on.
        blind: why the free gate could not have shown it, empty when it could; one that was
            therefore not asked has no attempts, and the limit for its seconds.
    """

    control: str
    scenario: str
    caught_by: str
    emulated: bool
    started: Contest
    standing: Contest
    blind: str = ""


class Totals(msgspec.Struct, frozen=True):
    """Over several controls.

    Args:
        compared: how many.
        ahead, ten_times: on how many the kernel gate's median of seconds is lower, and ten times lower.
        standing_ahead, standing_ten_times: the same where workers stand already.
        fewer_schedules: on how many it needs fewer schedules.
        behind: names of those on which it is not ahead.
    """

    compared: int
    ahead: int
    ten_times: int
    standing_ahead: int
    standing_ten_times: int
    fewer_schedules: int
    behind: tuple[str, ...]


def row_of(
    control: str,
    scenario: str,
    caught_by: str,
    started: Contest,
    standing: Contest,
    *,
    emulated: bool,
    barred: str = "",
) -> Row:
    """What both contests at one control come to.

    Args:
        control, scenario, caught_by, emulated, started, standing: as in `Row`.
        barred: why the free gate was not asked; empty when it was.
    """
    attempts = [*started.free.attempts, *standing.free.attempts]
    unsure = all(not one.found and one.inconclusive == one.schedules for one in attempts)
    blind = barred or ("no schedule of the free gate came to a verdict" if unsure else "")
    return Row(control, scenario, caught_by, emulated, started, standing, blind)


def totals_of(rows: Sequence[Row]) -> Totals:
    """On how many of these controls the kernel gate is ahead."""
    return Totals(
        compared=len(rows),
        ahead=sum(row.started.ahead for row in rows),
        ten_times=sum(row.started.ten_times for row in rows),
        standing_ahead=sum(row.standing.ahead for row in rows),
        standing_ten_times=sum(row.standing.ten_times for row in rows),
        fewer_schedules=sum(row.started.surely(row.started.schedules_ratio, 1) for row in rows),
        behind=tuple(row.control for row in rows if not (row.started.ahead and row.standing.ahead)),
    )


def rows(found: Sequence[Row]) -> list[tuple[str, ...]]:
    """A table, its head first; the controls on which the kernel gate is least ahead come first."""
    head = (
        *("control", "caught by", "kernel s", "free s", "ratio"),
        *("standing s", "free s", "ratio", "schedules", "free", "result"),
    )
    ordered = sorted(found, key=lambda row: (row.started.ahead, row.started.ratio or 0.0))
    return [head, *(_cells(row) for row in ordered)]


def _cells(row: Row) -> tuple[str, ...]:
    started, standing = row.started, row.standing
    ahead = started.ahead and standing.ahead
    word = "10 times ahead" if started.ten_times and ahead else "ahead" if ahead else "behind"
    return (
        row.control,
        row.caught_by.replace("_", " "),
        *_measured(started),
        *_measured(standing),
        _value(started.kernel.schedules, started.kernel.censored, 0),
        _value(started.free.schedules, started.free.censored, 0) if started.free.attempts else "-",
        "out of reach" if row.blind and ahead else word,
    )


def _measured(contest: Contest) -> tuple[str, str, str]:
    kernel, free = contest.kernel, contest.free
    sign = {"at least": ">= ", "at most": "<= "}.get(contest.bound, "")
    return (
        _value(kernel.seconds, kernel.censored, 3),
        _value(free.seconds, free.censored, 3),
        "-" if contest.ratio is None else f"{sign}{contest.ratio:.1f}",
    )


def _value(value: float, censored: bool, digits: int) -> str:
    return f"{'> ' if censored else ''}{value:.{digits}f}"


def told(totals: Totals) -> str:
    """The totals in a sentence."""
    return (
        f"ahead on {totals.ahead} of {totals.compared} controls, 10 times ahead on {totals.ten_times} "
        f"(where workers stand already on {totals.standing_ahead} and {totals.standing_ten_times}), "
        f"with fewer schedules on {totals.fewer_schedules}"
    )
