"""Make a scenario of plain data that has the form of one, by the annotations of the dataclasses.

`harness.scenario.validator` is the judge of the form: it says what is wrong, and takes a tenth of a second to
come up. This reader says nothing. Where it meets anything that is wrong, or that it does not know, it
gives up, and the validator is asked; so it may know fewer forms than the validator, and never accepts
another one.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import DocInfo, Ge, Gt, Le, MaxLen, MinLen, Predicate

from harness.scenario.definition import LANES_MAX, Scenario, fault_settings
from harness.scenario.roles import ROLES
from harness.scenario.roles.composed import ComposedSettings

__all__ = ["well_formed"]

_STRICT: Final = {"extra": "forbid"}


class _Doubt(Exception):
    """The data is wrong, or its form is not known here."""


def well_formed(data: Mapping[str, Any]) -> Scenario | None:
    """Return the scenario that data says, or None where the validator has to look at it.

    Args:
        data: the keys of a scenario with its name; dicts, lists, texts, numbers, truth values, None.
    """
    try:
        fields = {**data, "lanes": [], "faults": []}
        hints = _hints(Scenario)
        made = {key: _read(hints, key, value) for key, value in fields.items() if key not in _OWN}
        made["lanes"] = _lanes(data.get("lanes"))
        if "faults" in data:
            made["faults"] = _read({"faults": _faults()}, "faults", data["faults"])
        return Scenario(**made)
    except (_Doubt, TypeError, RecursionError):
        return None


#: Their types are made of registries, and of the role.
_OWN: Final = ("lanes", "faults")


def _faults() -> Any:
    hint = _hints(Scenario)["faults"]
    settings: Any = fault_settings()
    return Annotated[tuple[settings, ...], *hint.__metadata__]


def _lanes(value: Any) -> tuple[Any, ...]:
    if type(value) is not list or not 1 <= len(value) <= LANES_MAX:
        raise _Doubt
    return tuple(_lane(lane) for lane in value)


def _lane(value: Any) -> Any:
    role = value.get("role") if type(value) is dict else None
    if type(role) is dict:
        return _dataclass(value, ComposedSettings)
    # A role from outside has annotations that only the validator knows.
    if type(role) is not str or role not in ROLES.built_in:
        raise _Doubt
    return _dataclass(value, ROLES.built_in[role].settings)


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    """Return the annotations of a dataclass, if all that it says of its form is in them."""
    config = getattr(kind, "__pydantic_config__", None)
    if config != _STRICT or hasattr(kind, "__post_init__"):
        raise _Doubt
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _read(hints: Mapping[str, Any], key: Any, value: Any) -> Any:
    if key not in hints:
        raise _Doubt
    return _value(value, hints[key])


def _dataclass(value: Any, kind: Any) -> Any:
    if type(value) is not dict:
        raise _Doubt
    hints = _hints(kind)
    # A key that is missing is a TypeError of the constructor.
    return kind(**{key: _read(hints, key, item) for key, item in value.items()})


def _value(value: Any, hint: Any) -> Any:
    """Return what a value is read as."""
    origin = get_origin(hint)
    if origin is Annotated:
        found = _value(value, hint.__origin__)
        if not all(_holds(found, rule) for rule in hint.__metadata__):
            raise _Doubt
        return found
    if origin is Union or origin is types.UnionType:
        return _one_of(value, get_args(hint))
    if origin is Literal:
        for one in get_args(hint):
            # A truth value equals a number.
            if type(one) is type(value) and one == value:
                # The declared object: msgspec leaves out a default that is the same object, not an equal one.
                return one
        raise _Doubt
    if origin is tuple:
        return _tuple(value, get_args(hint))
    if origin is dict:
        return _dict(value, get_args(hint))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _dataclass(value, hint)
    return _plain(value, hint)


def _plain(value: Any, hint: Any) -> Any:
    """Return a text, a number, a truth value or None."""
    if hint is float and type(value) is int:
        value = float(value)
    if hint not in (str, int, float, bool, type(None)) or type(value) is not hint:
        raise _Doubt
    if (hint is str and not _is_text(value)) or (hint is float and not math.isfinite(value)):
        raise _Doubt
    return value


def _is_text(value: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _one_of(value: Any, hints: tuple[Any, ...]) -> Any:
    """Return a value of one of some types, which have no value in common."""
    for hint in hints:
        try:
            return _value(value, hint)
        except (_Doubt, TypeError):
            continue
    raise _Doubt


def _tuple(value: Any, hints: tuple[Any, ...]) -> tuple[Any, ...]:
    if type(value) is not list:
        raise _Doubt
    if hints[1:] == (...,):
        return tuple(_value(item, hints[0]) for item in value)
    if len(value) != len(hints):
        raise _Doubt
    return tuple(_value(item, hint) for item, hint in zip(value, hints, strict=True))


def _dict(value: Any, hints: tuple[Any, ...]) -> dict[Any, Any]:
    if type(value) is not dict:
        raise _Doubt
    return {_value(key, hints[0]): _value(item, hints[1]) for key, item in value.items()}


def _holds(value: Any, rule: Any) -> bool:
    """Return whether a value keeps a rule; a rule that is not known is a doubt."""
    if isinstance(rule, DocInfo):
        return True
    if isinstance(rule, Predicate):
        return bool(rule.func(value))
    if isinstance(rule, Ge):
        return bool(value >= rule.ge)
    if isinstance(rule, Gt):
        return bool(value > rule.gt)
    if isinstance(rule, Le):
        return bool(value <= rule.le)
    if isinstance(rule, MinLen):
        return len(value) >= rule.min_length
    return isinstance(rule, MaxLen) and len(value) <= rule.max_length
