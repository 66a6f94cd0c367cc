"""Which files of the user have added roles, actions and so on to this process, and which a scenario may use.

`harness.extensions` loads them. A scenario names the files that it needs, so that it means the same by
itself and in a run with others: a name that another scenario's file has added is refused.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from fence.registry import Registry
from harness.model.errors import ExtensionError, UsageError
from harness.model.policy import POLICIES
from harness.scenario.actions import ACTIONS
from harness.scenario.faults import PROCESS_FAULTS
from harness.scenario.roles import ROLES

if TYPE_CHECKING:
    # An explorer needs no reader.
    from harness.scenario.reader import Document, Path

__all__ = ["KEY", "Extending", "ExtensionFile", "check_extensions", "check_origins", "loaded", "note_loaded"]

KEY: Final = "extensions"


@dataclasses.dataclass(frozen=True)
class ExtensionFile:
    """A file that this process has loaded.

    Args:
        path: real path.
        digest: of its bytes, as they were then.
    """

    path: str
    digest: str


_loaded: dict[str, ExtensionFile] = {}


def note_loaded(file: ExtensionFile) -> None:
    """Have `loaded` find a file."""
    _loaded[file.path] = file


def loaded(reference: str) -> ExtensionFile:
    """Return what is known of a file that was loaded.

    Raises:
        ExtensionError: it was not.
    """
    found = _loaded.get(os.path.realpath(reference))
    if found is None:
        raise ExtensionError(f"{reference}: is not loaded here; give --extension {reference}")
    return found


@dataclasses.dataclass(frozen=True)
class Extending:
    """How the files that a scenario names are loaded.

    Args:
        load: loads one; raises a `UsageError` where that cannot or must not be done.
        everywhere: files that the user has named for all scenarios.
        root: folder from which they are named; empty for the working directory.
    """

    load: Callable[[str], object] = loaded
    everywhere: tuple[str, ...] = ()
    root: str = ""


def check_extensions(document: Document, extending: Extending) -> None:
    """Load the files that a scenario names; add a fault for each that cannot be loaded."""
    given = document.data.get(KEY) if isinstance(document.data, dict) else None
    for index, reference in enumerate(given if isinstance(given, list) else ()):
        place: Path = (KEY, index)
        if isinstance(reference, str) and reference and not document.is_unread(place):
            try:
                extending.load(reference)
            except UsageError as error:
                document.fault(document.values[place], place, str(error))


def check_origins(document: Document, extending: Extending) -> None:
    """Add a fault for each name that a file has added which the scenario does not name."""
    data = document.data
    given = data.get(KEY)
    named = [one for one in given if isinstance(one, str)] if isinstance(given, list) else []
    own = {os.path.realpath(os.path.join(extending.root, one)) for one in (*named, *extending.everywhere)}
    for path, registry, name in _names(data):
        origin = registry.origin(name) if name in registry else None
        if origin is not None and origin.file and origin.file not in own and not document.is_unread(path):
            message = f"the {registry.what} {name!r} is of {origin.text}; add it to extensions"
            document.fault(
                (document.keys if registry is PROCESS_FAULTS else document.values)[path], path, message
            )


def _names(data: Mapping[str, Any]) -> Iterator[tuple[Path, Registry[Any], str]]:
    """Yield what a scenario names, each with its place."""
    for index, lane in _mappings(data.get("lanes")):
        if isinstance(role := lane.get("role"), str):
            yield ("lanes", index, "role"), ROLES, role
        actions = lane.get("actions")
        for number, name in enumerate(actions if isinstance(actions, list) else ()):
            if isinstance(name, str):
                yield ("lanes", index, "actions", number), ACTIONS, name
    for index, fault in _mappings(data.get("faults")):
        for key in fault:
            yield ("faults", index, key), PROCESS_FAULTS, key
    policy = data.get("policy")
    if isinstance(policy, str):
        yield ("policy",), POLICIES, policy
    if isinstance(policy, dict) and isinstance(base := policy.get("base"), str):
        yield ("policy", "base"), POLICIES, base


def _mappings(found: Any) -> Iterable[tuple[int, dict[str, Any]]]:
    listed = enumerate(found) if isinstance(found, list) else ()
    return [(index, one) for index, one in listed if isinstance(one, dict)]
