"""Load a scenario file into a `Scenario`, or report all its faults at once.

Loading checks form only: nothing is drawn, no fence is loaded. The stages are the reader (text to data
with positions), the validator (types and bounds, from the annotations of the dataclasses) and the
checks (names, lanes, limits).
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Union

from annotated_types import MaxLen, MinLen, doc
from pydantic import Discriminator, Tag, TypeAdapter, ValidationError

from harness.model.errors import Fault, ScenarioError
from harness.scenario.checks import check_fences, check_filesystem, check_limits, check_names
from harness.scenario.definition import FAULT_KEYS, FAULTS_MAX, LANES_MAX, Scenario, fault_settings
from harness.scenario.drawn_checks import check_drawn
from harness.scenario.explain import explain, show
from harness.scenario.extension_files import Extending, check_extensions, check_origins
from harness.scenario.faults import PROCESS_FAULTS
from harness.scenario.filesystems import expanded
from harness.scenario.reader import Document, read
from harness.scenario.role_checks import check_composed_keys
from harness.scenario.roles import ROLES
from harness.scenario.roles.composed import ComposedSettings
from harness.system.bounded_read import TooLargeError, content

__all__ = ["FILE_BYTES_MAX", "adapter", "load", "load_all", "load_data"]

FILE_BYTES_MAX: Final = 1 << 20
#: Stands for the name of a role that is a mapping; no role has it.
_COMPOSED: Final = "{}"
#: Loads nothing, and takes what this process has loaded.
_KNOWN: Final = Extending()


def adapter(roles: Iterable[str], faults: Iterable[str]) -> TypeAdapter[Scenario]:
    """Return what validates a scenario and knows its schema.

    Args:
        roles: names of the roles from outside that it takes, beside those of the harness.
        faults: keys of such process faults.
    """
    return _adapter((*ROLES.built_in, *roles), (*PROCESS_FAULTS.built_in, *faults))


@functools.cache
def _adapter(roles: tuple[str, ...], faults: tuple[str, ...]) -> TypeAdapter[Scenario]:
    # Types that are made of registries; a type checker knows them as any.
    # The lanes of a `Scenario` are told apart by their role.
    tagged: list[Any] = [Annotated[ROLES[name].settings, Tag(name)] for name in roles]
    tagged.append(Annotated[ComposedSettings, Tag(_COMPOSED)])
    lane: Any = Annotated[Union[tuple(tagged)], Discriminator(_tag_of)]  # noqa: UP007
    lanes: Any = Annotated[tuple[lane, ...], MinLen(1), MaxLen(LANES_MAX), doc("The lanes that take part.")]
    fault: Any = fault_settings(faults)
    wrong: Any = Annotated[
        tuple[fault, ...], MaxLen(FAULTS_MAX), doc("Faults of calls and processes; kernel gate only.")
    ]
    form = dataclasses.make_dataclass(
        "_Form",
        [("lanes", lanes), ("faults", wrong, ())],
        bases=(Scenario,),
        namespace={"__doc__": "A scenario: one claim about fences, and everything needed to check it."},
        frozen=True,
        kw_only=True,
    )
    return TypeAdapter(form)


def _tag_of(lane: Any) -> str | None:
    """Return which settings a lane has: by the name of its role, or those of a role that is composed."""
    role = lane.get("role") if isinstance(lane, dict) else None
    return _COMPOSED if isinstance(role, dict) else role if role is None else str(role)


def _outside(data: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the roles and the process faults from outside that a scenario asks for."""
    roles = [lane.get("role") for lane in _mappings(data.get("lanes"))]
    keys = [key for fault in _mappings(data.get("faults")) for key in fault if key not in FAULT_KEYS]
    unknown = dict.fromkeys(role for role in roles if isinstance(role, str) and role not in ROLES.built_in)
    return (
        [role for role in unknown if role in ROLES],
        [key for key in dict.fromkeys(keys) if key in PROCESS_FAULTS],
    )


def _mappings(found: Any) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


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
    # Validate JSON: only in JSON mode does strict validation accept a list for a tuple and a dict for
    # a dataclass, but no text for a number.
    if "filesystem" in data:
        data = {**data, "filesystem": expanded(data["filesystem"])}
    text = json.dumps({**data, "name": name})
    try:
        form = adapter(*_outside(data)).validate_json(text, strict=True)
    except ValidationError as error:
        explain(error.errors(include_url=False), document)
        return None
    return Scenario(**{field.name: getattr(form, field.name) for field in dataclasses.fields(Scenario)})
