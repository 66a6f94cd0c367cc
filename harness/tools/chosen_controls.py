"""Choose controls by name, and read the scenarios in which they are tried.

`harness.tools.controls` asks whether they are caught, `harness.tools.versus` and `harness.tools.bench` how
soon.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import fence
from fence.controls import CONTROLS
from fence.controls.control import Control
from harness.model.errors import UsageError
from harness.scenario import Scenario, load_all
from harness.scenario.extension_files import Extending

__all__ = ["chosen_controls", "control_scenarios"]


def chosen_controls(names: Sequence[str], option: str) -> dict[str, type[Control]]:
    """Return controls by name.

    Args:
        names: of controls; empty for all.
        option: that gave the names, for the message.

    Raises:
        UsageError: a name is not that of a control.
    """
    for name in names:
        if name not in CONTROLS:
            raise UsageError(f"{option} {name}: no control, expected some of {', '.join(CONTROLS)}")
    return {name: _load(name) for name in names or CONTROLS}


def _load(name: str) -> type[Control]:
    found = fence.load(name)
    assert issubclass(found, Control), f"{name} is registered among the controls"
    return found


def control_scenarios(
    controls: Iterable[type[Control]], folder: str, extensions: Sequence[str] = ()
) -> dict[str, Scenario]:
    """Return the scenarios of controls, by name.

    Args:
        controls: that are tried.
        folder: where the scenarios are.
        extensions: files of the user's that this process has loaded; every scenario has them.

    Raises:
        ScenarioError: a scenario is missing or faulty.
    """
    stems = list(dict.fromkeys(control.scenario for control in controls))
    paths = [os.path.join(folder, f"{stem}.yaml") for stem in stems]
    loaded = load_all(paths, Extending(everywhere=tuple(extensions)))
    return {stem: one.with_extensions(extensions) for stem, one in zip(stems, loaded, strict=True)}
