"""Compare the attempts of two gates at the same violation: medians, ratios, totals.

An attempt that found nothing within the limit is *censored*: its figures are lower bounds, and it ranks
behind each attempt that found the violation. A ratio counts for the kernel gate only if it is certain.
`harness.tools.versus` makes the attempts.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import msgspec

__all__ = ["Attempt", "Contest", "Row", "Side", "Totals", "row_of", "rows", "totals_of", "totals_sentence"]

_TEN = 10.0
#: Resolution of the clock; an attempt that was stopped at once has no seconds and no schedules.
_TICK_S = 0.0001


class Attempt(msgspec.Struct, frozen=True):
    """One gate in one round.

    Args:
        seconds: time to the first violation, or of the whole search without one.
        schedules: number up to the first violation, or all of them.
        found: whether a violation was found; if not, both figures are lower bounds (*censored*).
        inconclusive: number of inconclusive schedules.
        start_s: part of the seconds until the first explorer's workers were ready.
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
        attempts: the attempts, round by round.
    """

    seconds: float
    schedules: float
    censored: bool
    attempts: tuple[Attempt, ...]

    @classmethod
    def of(cls, attempts: Sequence[Attempt]) -> Side:
        """Return the medians; a censored attempt counts as longer than each that found the violation."""
        censored = sorted(not one.found for one in attempts)
        return cls(
            round(_median([(not one.found, one.seconds) for one in attempts]), 4),
            _median([(not one.found, float(one.schedules)) for one in attempts]),
            censored[len(censored) // 2],
            tuple(attempts),
        )


def _median(values: Sequence[tuple[bool, float]]) -> float:
    """Return the middle value, or the mean of the middle two; censored values come last."""
    ordered = sorted(values)
    return statistics.fmean(value for _, value in ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1])


class Contest(msgspec.Struct, frozen=True):
    """The comparison of both gates at one control.

    Args:
        kernel, free: figures of the two gates.
        ratio: the free gate's seconds over the kernel gate's; None if neither found the violation.
        bound: of both ratios: ``at least`` if the free gate did not find the violation, ``at most`` if
            the kernel gate did not, otherwise empty.
        schedules_ratio: the ratio of schedules; None also if the free gate was not run.
    """

    kernel: Side
    free: Side
    ratio: float | None
    bound: str
    schedules_ratio: float | None

    @classmethod
    def of(cls, kernel: Sequence[Attempt], free: Sequence[Attempt], limit_s: float) -> Contest:
        """Return the comparison of attempts.

        Args:
            kernel, free: the attempts; `free` is empty if the free gate was not run.
            limit_s: seconds after which a gate gave up.
        """
        kernel_side = Side.of(kernel)
        free_side = Side.of(free) if free else Side(limit_s, 0.0, True, ())
        bound = "at least" if free_side.censored else "at most" if kernel_side.censored else ""
        open_ended = kernel_side.censored and free_side.censored

        def ratio(free_value: float, kernel_value: float, least: float) -> float | None:
            return None if open_ended else round(free_value / max(kernel_value, least), 2)

        return cls(
            kernel_side,
            free_side,
            ratio(free_side.seconds, kernel_side.seconds, _TICK_S),
            "" if open_ended else bound,
            ratio(free_side.schedules, kernel_side.schedules, 1) if free else None,
        )

    @property
    def ahead(self) -> bool:
        """Return whether the kernel gate was certainly faster."""
        return self.is_certain(self.ratio, 1)

    @property
    def ten_times(self) -> bool:
        """Return whether the kernel gate was certainly ten times faster."""
        return self.is_certain(self.ratio, _TEN)

    def is_certain(self, ratio: float | None, times: float) -> bool:
        """Return whether a ratio is certainly at least `times`; a ratio of 1 is a tie and no lead."""
        return self.bound != "at most" and ratio is not None and (ratio > 1 and ratio >= times)


class Row(msgspec.Struct, frozen=True):
    """The result of one control.

    Args:
        control, scenario, caught_by: the control, its scenario, and the kind of violation.
        emulated: whether lanes under the kernel gate see time stamps that real files may not have.
        started: comparison in which each attempt starts its own workers.
        standing: comparison in which an attempt uses the workers of the attempt before.
        blind: why the free gate cannot show the violation; empty if it can. A free gate that was not
            run for that reason has no attempts, and the limit as its seconds.
    """

    control: str
    scenario: str
    caught_by: str
    emulated: bool
    started: Contest
    standing: Contest
    blind: str = ""


class Totals(msgspec.Struct, frozen=True):
    """The totals over several controls.

    Args:
        compared: number of controls.
        ahead, ten_times: number of controls on which the kernel gate is faster, and ten times faster.
        standing_ahead, standing_ten_times: the same with workers that already run.
        fewer_schedules: number of controls on which the kernel gate needs fewer schedules.
        behind: names of the controls on which the kernel gate is not ahead.
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
    why_not_run: str = "",
) -> Row:
    """Return the row of one control.

    Args:
        control, scenario, caught_by, emulated, started, standing: as in `Row`.
        why_not_run: why the free gate was not run; empty if it was.
    """
    attempts = [*started.free.attempts, *standing.free.attempts]
    unsure = all(not one.found and one.inconclusive == one.schedules for one in attempts)
    blind = why_not_run or ("no schedule of the free gate came to a verdict" if unsure else "")
    return Row(control, scenario, caught_by, emulated, started, standing, blind)


def totals_of(rows: Sequence[Row]) -> Totals:
    """Return the totals over these controls."""
    return Totals(
        compared=len(rows),
        ahead=sum(row.started.ahead for row in rows),
        ten_times=sum(row.started.ten_times for row in rows),
        standing_ahead=sum(row.standing.ahead for row in rows),
        standing_ten_times=sum(row.standing.ten_times for row in rows),
        fewer_schedules=sum(row.started.is_certain(row.started.schedules_ratio, 1) for row in rows),
        behind=tuple(row.control for row in rows if not (row.started.ahead and row.standing.ahead)),
    )


def rows(found: Sequence[Row]) -> list[tuple[str, ...]]:
    """Return a table, its head first, and then the controls with the smallest lead first."""
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


def totals_sentence(totals: Totals) -> str:
    """Return the totals as a sentence."""
    return (
        f"ahead on {totals.ahead} of {totals.compared} controls, 10 times ahead on {totals.ten_times} "
        f"(with workers that already run on {totals.standing_ahead} and {totals.standing_ten_times}), "
        f"with fewer schedules on {totals.fewer_schedules}"
    )
