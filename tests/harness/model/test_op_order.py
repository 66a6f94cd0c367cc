"""Which operations can follow each other."""

from __future__ import annotations

import pytest

from harness.model.op_order import OpOrder

RUNNER = "begin_turn load append release_for_prompt think guarded_write recover guarded_write end_turn"


def first_wrong(text: str) -> tuple[str, str]:
    """The first operation that cannot stand where it does, and what to do; empty for none."""
    order = OpOrder()
    for kind in text.split():
        if wrong := order.follow(kind):
            return kind, wrong
    return "", order.unfinished()


@pytest.mark.parametrize(
    "text",
    [
        "acquire load append release",
        "acquire release acquire rewrite append load release",
        "pause acquire pause think release think",
        RUNNER,
        f"{RUNNER} {RUNNER}",
        "begin_turn load release_for_prompt acquire append release guarded_write end_turn",
        "begin_turn load append load end_turn",
    ],
)
def test_orders_of_the_protocol_can_stand(text: str) -> None:
    assert first_wrong(text) == ("", "")


@pytest.mark.parametrize(
    ("text", "kind", "remedy"),
    [
        ("release acquire", "release", "put acquire before it, or remove it"),
        ("append", "append", "put acquire before it"),
        ("load", "load", "put acquire before it"),
        ("rewrite", "rewrite", "put acquire before it"),
        ("acquire acquire", "acquire", "put release before it"),
        ("acquire release append", "append", "put acquire before it"),
        ("acquire release release", "release", "or remove it"),
        ("begin_turn begin_turn", "begin_turn", "put end_turn before it"),
        ("begin_turn acquire", "acquire", "put release_for_prompt before it"),
        ("begin_turn release", "release", "by release_for_prompt or end_turn; write one of them"),
        ("begin_turn rewrite", "rewrite", "make another lane of it"),
        ("begin_turn load guarded_write", "guarded_write", "put release_for_prompt before it"),
        ("begin_turn release_for_prompt guarded_write", "guarded_write", "put load before it"),
        ("begin_turn load release_for_prompt load", "load", "put it before release_for_prompt"),
        ("begin_turn load release_for_prompt release_for_prompt", "release_for_prompt", "remove it"),
        ("begin_turn load release_for_prompt acquire load", "load", "put release before it"),
        (
            "begin_turn load release_for_prompt acquire guarded_write",
            "guarded_write",
            "put release before it",
        ),
        ("begin_turn load release_for_prompt acquire end_turn", "end_turn", "put release before it"),
        ("begin_turn load release_for_prompt recover", "recover", "put guarded_write before it"),
        (f"{RUNNER} recover", "recover", "put guarded_write before it"),
        ("guarded_write", "guarded_write", "put begin_turn, load and release_for_prompt before it"),
        ("release_for_prompt", "release_for_prompt", "put begin_turn before it, or write release"),
        ("end_turn", "end_turn", "put begin_turn first"),
        (f"{RUNNER} acquire", "acquire", "make two lanes of it"),
        ("acquire release begin_turn", "begin_turn", "make two lanes of it"),
        ("acquire", "", "put release last"),
        ("begin_turn load", "", "put end_turn last"),
    ],
)
def test_an_order_that_no_fence_serves_has_a_remedy(text: str, kind: str, remedy: str) -> None:
    wrong, message = first_wrong(text)
    assert (wrong, message.endswith(remedy)) == (kind, True), message
