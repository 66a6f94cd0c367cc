"""A scenario file to a `Scenario`, or every fault in it at once.

This is form only: nothing is drawn, no fence is looked for. The order is reader
(text to data with places), validator (types and bounds, from the annotations of the
dataclasses), checks (names, lanes, limits).
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Union

from annotated_types import MaxLen, MinLen, doc
from pydantic import Discriminator, TypeAdapter, ValidationError

from harness.model.errors import Fault, ScenarioError
from harness.scenario.checks import check_fences, check_limits, check_names
from harness.scenario.definition import LANES_MAX, Scenario
from harness.scenario.explain import explain, show
from harness.scenario.reader import Document, read
from harness.scenario.roles import ROLES, LaneSettings
from harness.system.bounded_read import TooLargeError, content

__all__ = ["ADAPTER", "FILE_BYTES_MAX", "load", "load_all", "load_data"]

FILE_BYTES_MAX: Final = 1 << 20

if TYPE_CHECKING:
    AnyLane = LaneSettings
else:
    AnyLane = Annotated[Union[tuple(role.settings for role in ROLES.values())], Discriminator("role")]  # noqa: UP007  # made of a registry


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Form(Scenario):
    """A scenario: one claim about fences, and everything needed to check it."""

    # The lanes of a `Scenario`, told apart by their role.
    lanes: Annotated[tuple[AnyLane, ...], MinLen(1), MaxLen(LANES_MAX), doc("Who takes part.")]


#: Validates what a file says, and knows its schema.
ADAPTER: Final = TypeAdapter(_Form)


def load(path: str | os.PathLike[str]) -> Scenario:
    """Read one scenario file.

    Raises:
        ScenarioError: everything that is wrong with it.
    """
    return load_all([path])[0]


def load_all(paths: Iterable[str | os.PathLike[str]]) -> list[Scenario]:
    """Read scenario files, in the order given.

    Raises:
        ScenarioError: everything that is wrong with any of them.
    """
    scenarios: list[Scenario] = []
    faults: list[Fault] = []
    for path in paths:
        try:
            scenarios.append(_load(os.fspath(path)))
        except ScenarioError as error:
            faults += error.faults
    if faults:
        raise ScenarioError(faults)
    return scenarios


def load_data(data: Mapping[str, Any], where: str = "scenario") -> Scenario:
    """A scenario from plain data, as `dump` makes it.

    Args:
        data: the keys of a file, and ``name``.
        where: names the data in faults; they have no line to point at and say 1:1.

    Raises:
        ScenarioError: everything that is wrong with it.
    """
    document = Document(where, dict(data))
    name = document.data.pop("name", None)
    _place(document, document.data, ())
    if not isinstance(name, str) or not name:
        document.fault((1, 1), ("name",), f"must be the scenario's name (got {show(name)})")
        name = "?"
    return _validate(name, document)


def _place(document: Document, value: Any, path: tuple[str | int, ...]) -> None:
    """Give every part of data without a file the first line as its place."""
    document.values[path] = (1, 1)
    if isinstance(value, Mapping):
        for key, item in value.items():
            document.keys[(*path, key)] = (1, 1)
            _place(document, item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _place(document, item, (*path, index))


def _load(path: str) -> Scenario:
    name = os.path.splitext(os.path.basename(path))[0]
    document = read(path, _text(path))
    check_fences(document)
    return _validate(name, document)


def _text(path: str) -> str:
    """The file's text.

    Raises:
        ScenarioError: it cannot be read, is too large, or is not UTF-8.
    """
    try:
        text = content(path, FILE_BYTES_MAX)
    except TooLargeError as error:
        message = f"{error.strerror}, no scenario needs that; is it the right file?"
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


def _validate(name: str, document: Document) -> Scenario:
    """Check what was read.

    Raises:
        ScenarioError: everything that is wrong with it.
    """
    scenario = None
    if isinstance(document.data, dict):
        scenario = _parse(name, document)
        check_names(document)
    elif not document.faults:
        message = f"must be a mapping with keys such as about and lanes (got {show(document.data)})"
        document.fault(document.values[()], (), message)
    if document.faults:
        raise ScenarioError(document.faults)
    assert scenario is not None
    check_limits(scenario, document)
    if document.faults:
        raise ScenarioError(document.faults)
    return scenario


def _parse(name: str, document: Document) -> Scenario | None:
    """Types and bounds; None when something is wrong, which the document then says."""
    data = document.data
    if "name" in data:
        document.fault(
            document.keys[("name",)], ("name",), "unknown key; a scenario is called as its file, remove it"
        )
    # By way of JSON: only there does the validator take a list for a tuple and a dict for a
    # dataclass while it takes no text for a number.
    text = json.dumps({**data, "name": name})
    try:
        form = ADAPTER.validate_json(text, strict=True)
    except ValidationError as error:
        explain(error.errors(include_url=False), document)
        return None
    return Scenario(**{field.name: getattr(form, field.name) for field in dataclasses.fields(Scenario)})
