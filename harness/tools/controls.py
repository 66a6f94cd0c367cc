"""Measure which strategies catch which broken fences: the kill matrix, control x strategy.

A control is *killed* by a strategy when a schedule shows the violation that the control
says must catch it. The same scenarios are run for a fence that claims to be right under
their policy, for the whole number of schedules: it must not be accused.

The trials are plain search tasks of `harness.explore.coordinator`; this module chooses them
and assesses their results.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import msgspec

import fence
from harness.explore.search_task import Result, SearchTask
from harness.model.history import Invoke
from harness.results.stats import Finding
from harness.scenario import Scenario
from harness.tools.chosen_controls import chosen_controls, control_scenarios

__all__ = ["SOUND", "Outcome", "Trial", "assess", "encode", "rows", "trials", "unmet"]

#: The fence that must not be accused.
SOUND = "ledger"


class Trial(msgspec.Struct, frozen=True):
    """One search task for a control, or for the fence that is right.

    Args:
        task: the task to run.
        defect: what is broken; empty for the fence that is right.
        rogue_actions_min: rogue actions that the control says it needs.
    """

    task: SearchTask
    defect: str = ""
    rogue_actions_min: int = 0


class Outcome(msgspec.Struct, frozen=True):
    """The result of a trial; one line of ``controls --json``.

    Args:
        fence: name of the control, or `SOUND`.
        control: whether it is a control.
        defect: what is broken.
        scenario, strategy, seed: where it was tried.
        caught_by: kind of violation that must catch it; empty for the fence that is right.
        schedules: how many were allowed.
        killed_at: lowest schedule that shows `caught_by`, None when none does.
        rogue_actions: how many rogues began in that schedule.
        accused: unexpected kinds of violation, up to the schedule that killed it.
        wall_s: seconds until that schedule was known to be the first, workers' start included.
        stopped: why not all schedules were run; empty when they were, or it was killed.
        why_inconclusive: why more cannot be said.
        complaint: what is wrong with this trial by itself, in words; empty for nothing.
        witness: file that replays the violation, where one was stored.
    """

    fence: str
    control: bool
    defect: str
    scenario: str
    strategy: str
    seed: int
    caught_by: str
    schedules: int
    killed_at: int | None
    rogue_actions: int | None
    accused: tuple[str, ...]
    wall_s: float
    stopped: str
    why_inconclusive: str
    complaint: str
    witness: str | None = None


def encode(outcome: Outcome) -> str:
    """Return one line of JSON."""
    return msgspec.json.encode(outcome).decode()


def trials(
    names: Sequence[str],
    strategies: Sequence[str],
    schedules: int,
    seeds: int,
    folder: str,
    extensions: Sequence[str] = (),
) -> list[Trial]:
    """Return all trials: the controls first, then the fence that is right in their scenarios.

    Args:
        names: of controls; empty for all.
        strategies: names.
        schedules: limit for each trial.
        seeds: every trial is made with the seeds from 1 to this.
        folder: where the scenarios are.
        extensions: files of the user's that this process has loaded; every scenario has them.

    Raises:
        UsageError: a name is not that of a control.
        ScenarioError: a scenario is missing or faulty.
    """
    controls = chosen_controls(names, "--only")
    scenarios = control_scenarios(controls.values(), folder, extensions)

    def ask(scenario: Scenario, reference: str, until: str) -> list[SearchTask]:
        return [
            SearchTask(scenario, reference, "kernel", strategy, seed, schedules, until=until)
            for strategy in strategies
            for seed in range(1, seeds + 1)
        ]

    found = [
        Trial(task, control.defect, control.rogue_actions_min)
        for name, control in controls.items()
        for task in ask(scenarios[control.scenario], name, control.caught_by)
    ]
    claimed = fence.load(SOUND).sound_under
    for scenario in scenarios.values():
        if scenario.resolved_policy().name in claimed:
            found += [Trial(task) for task in ask(scenario, SOUND, "")]
    return found


def assess(trial: Trial, result: Result, witness: str | None = None) -> Outcome:
    """Return the outcome of one trial.

    Only findings up to the schedule that killed the control count, so that the outcome does
    not depend on how far other explorers were by then.
    """
    task, stats = trial.task, result.stats
    killer = result.sought
    last = killer.schedule_index if killer is not None else task.schedules
    expectation = task.scenario.expectation(task.fence)
    allowed = {task.until, *expectation.must, *expectation.may} if task.until else set()
    accused = sorted(
        kind
        for kind, finding in stats.first.items()
        if kind not in allowed and finding.schedule_index <= last
    )
    why = _doubt(result, last)
    begun = None if killer is None else _rogue_actions(killer)
    return Outcome(
        fence=task.fence,
        control=bool(task.until),
        defect=trial.defect,
        scenario=task.scenario.name,
        strategy=task.strategy,
        seed=task.seed,
        caught_by=task.until,
        schedules=task.schedules,
        killed_at=None if killer is None else killer.schedule_index,
        rogue_actions=begun,
        accused=tuple(accused),
        wall_s=round(result.wall_s, 3),
        stopped=result.stopped,
        why_inconclusive=why,
        complaint=_complaint(trial, result, accused, begun),
        witness=witness,
    )


def _doubt(result: Result, last: int) -> str:
    """Return why the truth of some schedule that counts is not known; empty when all is known."""
    why = result.stats.why_inconclusive
    if why is not None and why[0] <= last:
        return why[1] if why[0] < 0 else f"schedule {why[0]}: {why[1]}"
    if not result.complete:
        return f"only {result.stats.schedules} of {result.task.schedules} schedules were run"
    return ""


def _rogue_actions(finding: Finding) -> int:
    """Return how many actions rogues began in the schedule.

    All of them count: an entry can be lost by any action after it was acknowledged.
    """
    return sum(1 for event in finding.history.events if isinstance(event, Invoke) and event.kind == "action")


def _complaint(trial: Trial, result: Result, accused: Sequence[str], begun: int | None) -> str:
    where = f"{trial.task.scenario.name} ({trial.task.strategy}, seed {trial.task.seed})"
    if accused:
        kind = accused[0]
        index = result.stats.first[kind].schedule_index
        return (
            f"{trial.task.fence} is accused of {kind} in schedule {index} of {where}, "
            "which the scenario does not expect"
        )
    if begun is not None and begun < trial.rogue_actions_min:
        return (
            f"{trial.task.fence} was caught after {begun} rogue actions in {where}, "
            f"and says that it needs {trial.rogue_actions_min}"
        )
    return ""


def unmet(outcomes: Sequence[Outcome]) -> list[str]:
    """Return what is not as it must be, in sentences.

    A control has to be killed with each seed, by any of the strategies.
    """
    found = [outcome.complaint for outcome in outcomes if outcome.complaint]
    tried: dict[tuple[str, int], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.control:
            tried.setdefault((outcome.fence, outcome.seed), []).append(outcome)
    for (name, seed), group in tried.items():
        alive = all(outcome.killed_at is None for outcome in group)
        if alive and not any(outcome.why_inconclusive for outcome in group):
            how = ", ".join(outcome.strategy for outcome in group)
            found.append(
                f"{name} survived {group[0].schedules} schedules of {group[0].scenario} "
                f"(seed {seed}) by {how}: no {group[0].caught_by}"
            )
    return found


def rows(outcomes: Sequence[Outcome], strategies: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the kill matrix, head first: schedules and seconds to the first violation."""
    head = ("fence", "caught by", "scenario", "rogues", *strategies, "result")
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.fence, outcome.scenario), []).append(outcome)
    return [head, *(_row(group, strategies) for group in groups.values())]


def _row(group: Sequence[Outcome], strategies: Sequence[str]) -> tuple[str, ...]:
    first = group[0]
    fewest = min((one.rogue_actions for one in group if one.rogue_actions is not None), default=None)
    by_strategy = [[one for one in group if one.strategy == strategy] for strategy in strategies]
    return (
        first.fence,
        first.caught_by.replace("_", " ") or "-",
        first.scenario,
        "-" if fewest is None else str(fewest),
        *(_cell(cell) for cell in by_strategy),
        _word(group),
    )


def _cell(cell: Sequence[Outcome]) -> str:
    """Return schedules and time to the violation, as ``12 in 0.4 s``; over seeds lowest to highest."""
    if not cell:
        return ""
    if not cell[0].control:
        return f"0 of {sum(one.schedules for one in cell)}"
    killed = [one for one in cell if one.killed_at is not None]
    if not killed:
        return "-"
    counts = sorted({one.killed_at + 1 for one in killed if one.killed_at is not None})
    text = str(counts[0]) if len(counts) == 1 else f"{counts[0]}..{counts[-1]}"
    seconds = statistics.median(one.wall_s for one in killed)
    share = "" if len(killed) == len(cell) else f"{len(killed)}/{len(cell)}: "
    return f"{share}{text} in {seconds:.1f} s"


def _word(group: Sequence[Outcome]) -> str:
    if any(outcome.accused for outcome in group):
        return "ACCUSED"
    if unmet(group):
        return "SURVIVED" if not any(outcome.complaint for outcome in group) else "UNEXPECTED"
    if any(outcome.why_inconclusive for outcome in group):
        return "inconclusive"
    return "killed" if group[0].control else "sound"
