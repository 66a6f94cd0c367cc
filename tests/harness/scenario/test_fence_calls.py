"""Calls that the harness cannot make are refused at the load; all others are taken."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

import fence
from fence.protocol import Fence
from harness.scenario.fence_calls import wrong_with


def made(**calls: Any) -> type[Fence]:
    return type("Made", (Fence,), calls)


async def waits(self: Any, entries: Any) -> None: ...


def yields(self: Any, entries: Any) -> Any:
    yield entries


def takes_one(self: Any) -> None: ...


def takes_two(self: Any, entries: Any) -> None: ...


def takes_more(self: Any, entries: Any, attempts: int = 3) -> None: ...


def passes_on(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def wrapper(*given: Any) -> Any:
        return call(*given)

    return wrapper


@pytest.mark.parametrize(
    ("calls", "wrong"),
    [
        ({"guarded_write": waits}, "its guarded_write is async"),
        ({"guarded_write": yields}, "its guarded_write has a yield"),
        ({"guarded_write": None}, "its guarded_write is None, expected a method"),
        (
            {"guarded_write": takes_one},
            "the harness calls guarded_write(entries), and its guarded_write does not",
        ),
        ({"load": takes_two}, "missing a required argument: 'entries'; give it this form"),
        (
            {"__init__": lambda self, site, url: None},
            "missing a required argument: 'url'; give it this form, and take everything else from",
        ),
        (
            {"guarded_writes": takes_two},
            "never calls its guarded_writes; did you mean guarded_write? rename it",
        ),
        ({"guardedWrite": takes_two}, "did you mean guarded_write?"),
        ({"release_for_promt": takes_one}, "did you mean release_for_prompt?"),
    ],
)
def test_a_call_that_cannot_be_made_is_named(calls: dict[str, Any], wrong: str) -> None:
    assert wrong in wrong_with(made(**calls))


@pytest.mark.parametrize(
    "calls",
    [
        {},
        {"guarded_write": takes_more},
        {"guarded_write": passes_on(takes_two)},
        {"guarded_write": functools.partialmethod(takes_two)},
        {"guarded_write": staticmethod(lambda *given: None)},
        {"guarded_write": lambda self, *given: None, "guarded_writes": takes_two},
        {"_guarded_write": takes_two},
        {"begin_run": takes_one, "loads": takes_one, "released": takes_one},
        {"__init__": lambda self, site, attempts=3: None},
    ],
    ids=", ".join,
)
def test_a_call_that_can_be_made_is_taken(calls: dict[str, Any]) -> None:
    assert wrong_with(made(**calls)) == ""


@pytest.mark.parametrize("name", fence.FENCES)
def test_all_fences_of_ours_are_taken(name: str) -> None:
    assert wrong_with(fence.load(name)) == ""
