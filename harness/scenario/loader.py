"""Load a scenario file into a `Scenario`, or report all its faults at once.

Loading checks form only: nothing is drawn, no fence is loaded. The stages are the reader (text to data
with positions), the form (types and bounds, from the annotations of the dataclasses; `validator` says what
is wrong where `form` finds none) and the checks (names, lanes, limits).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

from harness.model.errors import Fault, ScenarioError
from harness.scenario.checks import check_fences, check_filesystem, check_limits, check_names
from harness.scenario.definition import Scenario
from harness.scenario.drawn_checks import check_drawn
from harness.scenario.explain import show
from harness.scenario.extension_files import Extending, check_extensions, check_origins
from harness.scenario.filesystems import expanded
from harness.scenario.form import well_formed
from harness.scenario.reader import Document, read
from harness.scenario.role_checks import check_composed_keys
from harness.system.bounded_read import TooLargeError, content

__all__ = ["FILE_BYTES_MAX", "load", "load_all", "load_data"]

FILE_BYTES_MAX: Final = 1 << 20
#: Loads nothing, and takes what this process has loaded.
_KNOWN: Final = Extending()


def load(path: str | os.PathLike[str], extending: Extending = _KNOWN) -> Scenario:
    """Read one scenario file.

    Args:
        path: of the file.
        extending: how the files are loaded that it names for roles and so on; absent: they are loaded.

    Raises:
        ScenarioError: lists all its faults.
    """
    return load_all([path], extending)[0]


def load_all(paths: Iterable[str | os.PathLike[str]], extending: Extending = _KNOWN) -> list[Scenario]:
    """Read scenario files, in the order given.

    Args:
        paths: of the files.
        extending: as for `load`.

    Raises:
        ScenarioError: lists all faults of all files.
    """
    scenarios: list[Scenario] = []
    faults: list[Fault] = []
    for path in paths:
        try:
            scenarios.append(_load(os.fspath(path), extending))
        except ScenarioError as error:
            faults += error.faults
    if faults:
        raise ScenarioError(faults)
    return scenarios


def load_data(data: Mapping[str, Any], where: str = "scenario", extending: Extending = _KNOWN) -> Scenario:
    """Return a scenario from plain data, as `dump` makes it.

    Args:
        data: the keys of a file, and ``name``.
        where: name of the data in faults, whose position is always 1:1.
        extending: as for `load`.

    Raises:
        ScenarioError: lists all its faults.
    """
    document = Document(where, dict(data))
    name = document.data.pop("name", None)
    _place(document, document.data, ())
    if not isinstance(name, str) or not name:
        document.fault((1, 1), ("name",), f"must be the scenario's name (got {show(name)})")
        name = "?"
    return _validate(name, document, extending)


def _place(document: Document, value: Any, path: tuple[str | int, ...]) -> None:
    """Set the position of every part of data without a file to the first line."""
    document.values[path] = (1, 1)
    if isinstance(value, Mapping):
        for key, item in value.items():
            document.keys[(*path, key)] = (1, 1)
            _place(document, item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _place(document, item, (*path, index))


def _load(path: str, extending: Extending) -> Scenario:
    name = os.path.splitext(os.path.basename(path))[0]
    document = read(path, _text(path))
    check_fences(document)
    check_filesystem(document)
    check_composed_keys(document)
    return _validate(name, document, extending)


def _text(path: str) -> str:
    """Return the file's text.

    Raises:
        ScenarioError: it cannot be read, is too large, or is not UTF-8.
    """
    try:
        text = content(path, FILE_BYTES_MAX)
    except TooLargeError as error:
        message = f"{error.strerror}, which no scenario needs; check the path"
        raise _unreadable(path, 1, 1, message) from None
    except IsADirectoryError:
        raise _unreadable(
            path, 1, 1, "is a directory, expected a scenario file; name the files in it"
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _unreadable(
            path, 1, 1, f"cannot be read: {reason}; check the path and its permissions"
        ) from error
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = text[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        message = f"byte 0x{text[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise _unreadable(path, line, column, message) from None


def _unreadable(path: str, line: int, column: int, message: str) -> ScenarioError:
    return ScenarioError([Fault(path, line, column, "", message)])


def _validate(name: str, document: Document, extending: Extending) -> Scenario:
    """Return the scenario in a document.

    Raises:
        ScenarioError: lists all its faults.
    """
    scenario = None
    known = len(document.faults)
    check_extensions(document, extending)
    if len(document.faults) > known:
        # The names have no meaning without them.
        raise ScenarioError(document.faults)
    if isinstance(document.data, dict):
        scenario = _parse(name, document)
        check_names(document)
        check_origins(document, extending)
    elif not document.faults:
        message = f"must be a mapping with keys such as about and lanes (got {show(document.data)})"
        document.fault(document.values[()], (), message)
    if document.faults:
        raise ScenarioError(document.faults)
    assert scenario is not None
    check_drawn(scenario, document)
    if not document.faults:
        check_limits(scenario, document)
    if document.faults:
        raise ScenarioError(document.faults)
    return scenario


def _parse(name: str, document: Document) -> Scenario | None:
    """Check types and bounds; return None and add the faults to the document if something is wrong."""
    data = document.data
    if "name" in data:
        document.fault(
            document.keys[("name",)], ("name",), "unknown key; a scenario has the name of its file, remove it"
        )
    if "filesystem" in data:
        data = {**data, "filesystem": expanded(data["filesystem"])}
    data = {**data, "name": name}
    found = well_formed(data)
    if found is None:
        # Imported here because it takes a tenth of a second to come up, and most scenarios are right.
        from harness.scenario.validator import validated

        found = validated(data, document)
    return found
