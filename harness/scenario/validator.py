"""Check types and bounds of a scenario by the annotations of the dataclasses, and say what is wrong.

`harness.scenario.form` reads right files. A file that it does not know, or that is wrong, comes here.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Union

from annotated_types import MaxLen, MinLen, doc
from pydantic import Discriminator, Tag, TypeAdapter, ValidationError

from harness.scenario.definition import FAULT_KEYS, FAULTS_MAX, LANES_MAX, Scenario, fault_settings
from harness.scenario.explain import explain
from harness.scenario.faults import PROCESS_FAULTS
from harness.scenario.reader import Document
from harness.scenario.roles import ROLES
from harness.scenario.roles.composed import ComposedSettings

__all__ = ["adapter", "validated"]

#: Stands for the name of a role that is a mapping; no role has it.
_COMPOSED: Final = "{}"


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


def validated(data: Mapping[str, Any], document: Document) -> Scenario | None:
    """Return the scenario that data says; None, with the faults added to the document, if it says none.

    Args:
        data: the keys of a scenario with its name.
        document: that they are of.
    """
    # Validate JSON: only in JSON mode does strict validation accept a list for a tuple and a dict for
    # a dataclass, but no text for a number.
    text = json.dumps(data)
    try:
        form = adapter(*_outside(data)).validate_json(text, strict=True)
    except ValidationError as error:
        explain(error.errors(include_url=False), document)
        return None
    return Scenario(**{field.name: getattr(form, field.name) for field in dataclasses.fields(Scenario)})
