"""From arguments and scenarios to the search tasks of a run, or the reason why they cannot be run."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from fence import FENCES
from harness import gates
from harness.cli.output import remark
from harness.explore.search_task import ExhaustiveTask, SearchTask
from harness.gates.limits import wall_limit_s
from harness.model.errors import FenceLoadError, GateUnavailable, UsageError
from harness.scenario import Scenario
from harness.scenario.fence_reference import check
from harness.scenario.filesystems import moves_by_itself
from harness.strategies import make

__all__ = [
    "EXHAUSTIVE",
    "check_bounds",
    "check_faults",
    "check_inodes",
    "choose_gate",
    "choose_strategy",
    "exhaustive",
    "tasks_for",
]


#: Searches every class of schedules; the only strategy that is not in `harness.strategies`.
EXHAUSTIVE = "exhaustive"


def choose_gate(wanted: str | None) -> str:
    """Return the name of the gate; the free one where the kernel gate is missing and was not asked for.

    Raises:
        GateUnavailable: the kernel gate was asked for.
        UsageError: the environment has a limit that is none.
    """
    # Looked at before anything runs.
    wall_limit_s(0.0)
    if wanted == "free":
        return wanted
    why = gates.unavailable("kernel")
    if not why:
        return "kernel"
    if wanted == "kernel":
        raise GateUnavailable(f"--gate kernel: {why}; see `python -m harness doctor`")
    remark(f"the kernel gate is not available ({why}); going on with the free gate")
    return "free"


def choose_strategy(name: str) -> str:
    """Return the strategy's name.

    Raises:
        UsageError: there is none of that name.
    """
    if name != EXHAUSTIVE:
        make(name)
    return name


def check_bounds(strategy: str, rogue_actions: int, preemptions: int) -> None:
    """Check that the bounds of an exhaustive search were given to one.

    Args:
        strategy: its name.
        rogue_actions: of ``--rogue-actions``; 0 where it was not given.
        preemptions: of ``--preemptions``; negative where it was not given.

    Raises:
        UsageError: another strategy would leave them unused.
    """
    given = [("--rogue-actions", rogue_actions > 0), ("--preemptions", preemptions >= 0)]
    unused = [option for option, is_given in given if is_given and strategy != EXHAUSTIVE]
    if unused:
        raise UsageError(
            f"{' and '.join(unused)}: only an exhaustive search has this bound, and --strategy is "
            f"{strategy}; give --strategy {EXHAUSTIVE}, or leave it out"
        )


def tasks_for(
    scenarios: Sequence[Scenario],
    fences: Sequence[str] | None,
    gate: str,
    strategy: str,
    seed: int,
    schedules: int | None,
    least: str = "50%",
) -> list[SearchTask]:
    """Return one search task for each scenario and fence.

    Args:
        scenarios: in the order of the tasks.
        fences: references; None for those that each scenario names.
        gate, strategy: names.
        seed: of the run.
        schedules: how many; None for the number that each scenario gives.
        least: how many of them a pass needs, ``N`` or ``P%``.

    Raises:
        FenceLoadError: everything that is wrong with any fence.
        UsageError: everything that is wrong with any invariant, or scenarios that name no fence.
    """
    silent = [scenario.name for scenario in scenarios if not (fences or scenario.named_fences)]
    if silent:
        raise UsageError(
            f"scenario {', '.join(silent)}: names no fence, neither in expect nor in fences; "
            "name one there, or give --fence REF (`python -m harness list fences`)"
        )
    tasks = [
        SearchTask(scenario, fence, gate, strategy, seed, schedules or scenario.schedules, least=least)
        for scenario in scenarios
        for fence in dict.fromkeys(fences or scenario.named_fences)
    ]
    _check_fences(tasks, "--fence" if fences else "")
    _check_invariants(tasks)
    return tasks


def exhaustive(tasks: Sequence[SearchTask], actions_max: int, preemptions_max: int) -> list[ExhaustiveTask]:
    """Return the same tasks as exhaustive searches.

    Args:
        tasks: of the strategy ``exhaustive``; their schedules are the budget.
        actions_max: all sequences of up to so many rogue actions.
        preemptions_max: every schedule with at most so many; -1 for one of each class.

    Raises:
        UsageError: one of them cannot be searched that way.
    """
    from harness.explore.exhaust.rogue_programs import Programs

    found = []
    for task in tasks:
        scenario = task.scenario
        grain_ms = scenario.filesystem.time_grain_ms
        if task.gate != "kernel":
            raise UsageError("--strategy exhaustive: needs the kernel gate, the only one that obeys a choice")
        if any(fault.process_faults for fault in scenario.faults):
            raise UsageError(
                f"scenario {scenario.name}: faults: a process that is killed or stopped, a slow disk and "
                "time that runs ahead reach every lane, so that no two steps commute, and --strategy "
                "exhaustive counts on steps that do; leave them out, or take another strategy"
            )
        if scenario.filesystem.inode_reuse == "real":
            raise UsageError(
                f"scenario {scenario.name}: filesystem.inode_reuse: real differs from run to run, and "
                "--strategy exhaustive has to come back to the same place; use always or never"
            )
        moving = moves_by_itself(scenario.filesystem)
        place = f"filesystem.{moving}: the answer of stat" if moving else ""
        if any(lane.clock is not None and lane.clock.back_ms for lane in scenario.lanes):
            place = "lanes: clock.back_ms: the date that a process reads"
        if place and preemptions_max < 0:
            raise UsageError(
                f"scenario {scenario.name}: {place} changes with time alone, so no two steps commute and "
                "schedules have no classes; give --preemptions N to try every schedule with so many"
            )
        if grain_ms and preemptions_max < 0:
            raise UsageError(
                f"scenario {scenario.name}: filesystem.time_grain_ms: with {grain_ms} even steps that commute"
                " share a tick in one order and not in the other, so schedules have no classes; give "
                "--preemptions N to try every schedule with so many"
            )
        programs = len(Programs(scenario, task.seed, actions_max))
        found.append(
            ExhaustiveTask(
                scenario,
                task.fence,
                task.gate,
                task.strategy,
                task.seed,
                task.schedules,
                actions_max=actions_max,
                preemptions_max=preemptions_max,
                programs=programs,
            )
        )
    return found


def _check_fences(tasks: Sequence[SearchTask], where: str) -> None:
    faults = []
    for task in {task.fence: task for task in reversed(tasks)}.values():
        try:
            check(task.fence)
        except FenceLoadError as error:
            faults.append(f"{where or f'scenario {task.scenario.name}:'} {error}")
    if faults:
        raise FenceLoadError("\n".join(reversed(faults)))


def _check_invariants(tasks: Sequence[SearchTask]) -> None:
    """Refuse an invariant that cannot be loaded."""
    faults = []
    for task in {(task.fence, task.scenario.invariants): task for task in reversed(tasks)}.values():
        if task.fence in FENCES and not task.scenario.invariants:
            continue
        # Imported here because few searches have invariants.
        from harness.explore.invariant_loading import load_invariants

        try:
            check(task.fence, functools.partial(load_invariants, task.scenario, task.fence))
        except FenceLoadError as error:
            faults.append(f"invariant {error}")
    if faults:
        raise UsageError("\n".join(dict.fromkeys(faults)))


def check_faults(scenarios: Sequence[Scenario], gate: str) -> None:
    """Refuse a scenario with faults under a gate that can make nothing fail.

    Args:
        scenarios: what is to be run.
        gate: name of the gate.

    Raises:
        UsageError: without its faults the scenario claims nothing.
    """
    wanting = [scenario.name for scenario in scenarios if scenario.faulty]
    if wanting and gate != "kernel":
        raise UsageError(
            f"scenario {', '.join(wanting)}: faults need the kernel gate; the {gate} gate makes no call "
            "fail, stops no lane at a step, hides no process, watches one transcript and frees no lock that "
            "is kept; leave it out, or run it where `python -m harness doctor` finds a kernel gate"
        )


def check_inodes(scenarios: Sequence[Scenario], root: str | None) -> None:
    """Refuse a scenario that needs real inode numbers where they are never reused.

    Args:
        scenarios: what is to be run.
        root: where session directories will be made.

    Raises:
        UsageError: the file system there is of the wrong kind.
    """
    wanting = [scenario for scenario in scenarios if scenario.filesystem.inode_reuse == "real"]
    if not wanting:
        return
    from harness.tools.doctor import reuses_inodes

    if not reuses_inodes(root):
        raise UsageError(
            f"scenario {wanting[0].name}: filesystem.inode_reuse: real needs a file system that gives a "
            "freed inode number to the next file, and the one under the session directory does not (tmpfs "
            "and btrfs never do); point --session-root at an ext4 directory, or let the harness emulate it "
            "with inode_reuse: always"
        )
