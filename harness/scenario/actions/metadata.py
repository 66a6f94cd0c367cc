"""Define actions that keep bytes and names and change at most the metadata that stat returns."""

from __future__ import annotations

import os
import stat

from harness.scenario.actions.action import Action, Scene
from harness.scenario.actions.file_calls import opened

__all__ = ["MEMBERS"]

# The owner can read and write under each of these modes.
_MODES = (0o640, 0o644, 0o660, 0o666)


def _mode(number: float) -> int:
    return _MODES[int(number * len(_MODES))]


def _touch(scene: Scene) -> None:
    os.utime(scene.path)


def _chmod(scene: Scene) -> None:
    os.chmod(scene.path, scene.number("mode") or _MODES[0])


def _chmod_and_back(scene: Scene) -> None:
    mode = stat.S_IMODE(os.stat(scene.path).st_mode)
    os.chmod(scene.path, mode ^ stat.S_IROTH)
    os.chmod(scene.path, mode)


def _open_close(scene: Scene) -> None:
    with opened(scene.path, os.O_WRONLY):
        pass


MEMBERS = (
    Action("touch", "sets its times to now", "none", _touch),
    Action("chmod", "gives it another mode", "none", _chmod, {"mode": _mode}),
    Action("chmod-and-back", "gives it another mode and the old one again", "none", _chmod_and_back),
    Action("open-close", "opens it for writing and closes it", "none", _open_close),
)
