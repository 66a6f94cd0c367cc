"""Turn the validator's errors into faults that a user can act on.

The validator knows types and bounds. This module adds the place of the value in the file, similar
names, and where to look them up.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from annotated_types import DocInfo

from harness.model.policy import CustomPolicy
from harness.scenario.definition import (
    Expectation,
    FilesystemSettings,
    Scenario,
    TranscriptSettings,
    fault_settings,
)
from harness.scenario.faults import PROCESS_FAULTS
from harness.scenario.reader import Document, Path
from harness.scenario.roles import ROLES
from harness.scenario.roles.composed import ComposedRole, ComposedSettings
from harness.scenario.roles.program import MarkerSettings
from harness.scenario.roles.role import ClockSettings

__all__ = ["docs_of", "explain", "name_fault", "show", "suggest"]

#: The expected type, by the validator's kind of error.
_WANTED: Final = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "none_required": "nothing",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "dataclass_type": "a mapping",
}
_BOUNDS: Final = {
    "greater_than": "> {gt:g}",
    "greater_than_equal": ">= {ge:g}",
    "less_than_equal": "<= {le:g}",
}
_PREDICATES: Final = {
    "is_ordered": "must have its lower end first, as in [1, 3]",
    "is_argument": "must not contain a NUL character, because no program accepts one",
    "is_marker": "must be a regular expression with one group, as in '^DONE (\\S+)'",
    "is_name": "must be at most 40 letters, digits, '_', '.' or '-', the first a letter or digit",
}
_SHOWN_MAX: Final = 60
#: In a location, a lane has an index, followed by its role as the name of the union branch.
_ROLE_AT: Final = 2
_RANGE: Final = "a whole number or [lowest, highest]"


@dataclasses.dataclass(frozen=True)
class _Complaint:
    """One of the validator's errors, at its place in the file."""

    kind: str
    path: Path
    about_key: bool
    for_range: bool
    in_union: bool
    context: Mapping[str, Any]
    text: str


def explain(errors: Iterable[Mapping[str, Any]], document: Document) -> None:
    """Add a fault to the document for every error of the validator.

    Args:
        errors: as pydantic lists them.
        document: the validated document.
    """
    places: dict[Path, list[_Complaint]] = {}
    for error in errors:
        complaint = _locate(error, document.data)
        if not document.is_unread(complaint.path):
            places.setdefault(complaint.path, []).append(complaint)
    above = {path[:length] for path in places for length in range(len(path))}
    for path, complaints in places.items():
        _explain_place(path, complaints, path in above, document)


def _has(node: Any, part: str | int) -> bool:
    if isinstance(node, list):
        return isinstance(part, int) and part < len(node)
    return isinstance(node, dict) and part in node


def _locate(error: Mapping[str, Any], data: Any) -> _Complaint:
    """Follow the validator's location through the data, leaving out its names of union branches."""
    loc, kind = error["loc"], error["type"]
    path: list[str | int] = []
    branches: list[str] = []
    for_range = False
    node = data
    for place, part in enumerate(loc):
        if place == _ROLE_AT and loc[0] == "lanes":
            continue
        if _has(node, part):
            path, node, for_range = [*path, part], node[part], False
        elif kind == "missing" and place == len(loc) - 1 and isinstance(part, str):
            path.append(part)
        else:
            branches.append(str(part))
            for_range |= branches[-1].startswith("function-after[")
    if kind == "union_tag_invalid":
        path.append("role")
    about_key = kind == "unexpected_keyword_argument" or loc[-1:] == ("[key]",)
    return _Complaint(
        kind, tuple(path), about_key, for_range, bool(branches), error.get("ctx", {}), error["msg"]
    )


def _explain_place(path: Path, complaints: list[_Complaint], deeper: bool, document: Document) -> None:
    """Turn all complaints about one place into one fault, or none if a deeper one is more precise."""
    value = _value_at(document.data, path)
    ranged = any(complaint.for_range for complaint in complaints)
    firm = [complaint for complaint in complaints if not _is_about_type(complaint)]
    if deeper and not any(complaint.kind == "too_long" for complaint in firm):
        # This also covers a list that only looks too short because its items were rejected.
        return
    if ranged and any(complaint.kind in ("missing", "too_long") for complaint in firm):
        message = f"must be {_RANGE} (got {show(value)})"
    elif firm:
        message = _message(firm[0], value, document)
    elif len(complaints) == 1 and complaints[0].kind == "literal_error":
        message = _message(complaints[0], value, document)
    else:
        message = f"must be {_wanted(complaints, ranged)} (got {show(value)})"
    first = (firm or complaints)[0]
    document.fault(_position(first, document), path, message)


def _is_about_type(complaint: _Complaint) -> bool:
    return complaint.kind in _WANTED or (complaint.kind == "literal_error" and complaint.in_union)


def _wanted(complaints: Sequence[_Complaint], ranged: bool) -> str:
    if ranged:
        return _RANGE
    words = []
    for complaint in complaints:
        expected = " or ".join(repr(name) for name in _names(complaint.context.get("expected", "")))
        words.append(_WANTED.get(complaint.kind, expected))
    return " or ".join(dict.fromkeys(words))


def _message(complaint: _Complaint, value: Any, document: Document) -> str:
    kind, path, context = complaint.kind, complaint.path, complaint.context
    if kind == "unexpected_keyword_argument":
        return "unknown key" + suggest(str(path[-1]), _keys_at(path[:-1], document.data))
    if kind == "missing":
        return f"missing, it is required; {_doc_at(path, document.data)}"
    if kind == "union_tag_not_found" and not isinstance(value, dict):
        return f"must be a mapping (got {show(value)})"
    if kind == "union_tag_not_found":
        return (
            f"a lane needs a role; give one of {', '.join(ROLES)}, see `python -m harness list roles`, or "
            "{name, operations}"
        )
    if kind == "union_tag_invalid":
        return name_fault("role", value, ROLES, "roles")
    if kind == "literal_error":
        given = path[-1] if complaint.about_key else value
        return f"unknown value {show(given)}" + suggest(given, _names(context["expected"]))
    if kind in _BOUNDS:
        return f"must be {_BOUNDS[kind].format(**context)} (got {show(value)})"
    if kind == "predicate_failed":
        text = next(text for name, text in _PREDICATES.items() if name in complaint.text)
        return f"{text} (got {show(value)})"
    if kind in ("too_short", "string_too_short"):
        return f"must not be empty; {_doc_at(path, document.data)}"
    if kind in ("too_long", "string_too_long"):
        unit = "items" if kind == "too_long" else "characters"
        return f"must have at most {context['max_length']} {unit} (got {len(value)})"
    return f"{complaint.text} (got {show(value)})"


def _position(complaint: _Complaint, document: Document) -> tuple[int, int]:
    """Return the position to point at: the key if the key is wrong, the value otherwise."""
    path = complaint.path
    if complaint.about_key:
        return document.keys.get(path, (1, 1))
    while path and path not in document.values:
        path = path[:-1]
    return document.values.get(path, (1, 1))


def _value_at(data: Any, path: Path) -> Any:
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _names(expected: str) -> list[str]:
    """Return the names in a validator's list of expected values."""
    return re.findall(r"'([^']*)'", expected)


def _class_at(path: Path, data: Any) -> type | None:
    """Return the dataclass that defines the keys at a place."""
    match path:
        case ():
            return Scenario
        case ("lanes", int()):
            role = _value_at(data, (*path, "role"))
            if isinstance(role, dict):
                return ComposedSettings
            return ROLES[role].settings if isinstance(role, str) and role in ROLES else None
        case ("lanes", int(), "role"):
            return ComposedRole
        case ("lanes", int(), "operations"):
            return MarkerSettings
        case ("policy",):
            return CustomPolicy
        case ("expect", _):
            return Expectation
        case ("transcript",):
            return TranscriptSettings
        case ("filesystem",):
            return FilesystemSettings
        case ("lanes", int(), "clock") | ("filesystem", "clock"):
            return ClockSettings
        case ("faults", int()):
            return fault_settings(tuple(PROCESS_FAULTS))
    return None


def _keys_at(path: Path, data: Any) -> list[str]:
    found = _class_at(path, data)
    if found is None:
        return []
    return [
        field.name for field in dataclasses.fields(found) if not (found is Scenario and field.name == "name")
    ]


def docs_of(settings: type) -> dict[str, str]:
    """Return the description of each key of a dataclass, from its annotations."""
    found = {}
    for name, hint in get_type_hints(settings, include_extras=True).items():
        if get_origin(hint) is Annotated:
            for extra in get_args(hint)[1:]:
                if isinstance(extra, DocInfo):
                    found[name] = extra.documentation
    return found


def _doc_at(path: Path, data: Any) -> str:
    found = _class_at(path[:-1], data)
    text = docs_of(found).get(str(path[-1]), "") if found is not None and path else ""
    return f"say here: {text}" if text else "give a value"


def show(value: Any) -> str:
    """Return a value as the file would spell it, shortened."""
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}..."


def _close(given: Any, names: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(str(given), list(names), 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def suggest(given: Any, names: Sequence[str]) -> str:
    """Return a hint at the names that were probably meant; it begins with a semicolon."""
    return _close(given, names) or (f"; expected one of {', '.join(names)}" if names else "; remove it")


def name_fault(what: str, given: Any, names: Iterable[str], listed: str) -> str:
    """Return a message about an unknown name, with the command that lists the known ones."""
    close = _close(given, names) or ";"
    return f"unknown {what} {show(given)}{close} `python -m harness list {listed}` lists the known ones"
