"""The lines of code of a passage, with their text, what they printed, and how the operation ended."""

from __future__ import annotations

from harness.report.html.markup import Markup, shown, tag
from harness.report.passage_code import NOTHING, PassageCode, code_lines

__all__ = ["code_block"]


def code_block(code: PassageCode, crashed: bool) -> Markup | None:
    """Return what the code did in a passage; None where that is not known.

    Args:
        code: what it did.
        crashed: whether the operation ended with an exception that the protocol does not know.
    """
    if code == NOTHING:
        return None
    rest = code_lines(code._replace(places=()), crashed, whole=True)
    lines = [tag("div", tag("b", shown(place.source)), "  ", shown(str(place))) for place in code.places]
    return tag("div", *lines, *(tag("div", shown(line), class_="print") for line in rest), class_="code")
