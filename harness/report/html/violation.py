"""Show a violation: its picture, its story, the deciding order, and the command that replays it."""

from __future__ import annotations

from harness.report.html.code_block import code_block
from harness.report.html.diagram_svg import diagram_svg, width_of
from harness.report.html.markup import Markup, join, shown, tag
from harness.report.html.page_data import Example, Finding
from harness.report.html.spacetime import diagram_of
from harness.report.html.violation_names import anchor, kind_name
from harness.report.story import Passage, brief, passages
from harness.results.summary import Summary

__all__ = ["article", "replayed"]

_PASSAGES_MAX = 60
#: Pictures of at most so many pixels have the story beside them, on medium and on wide pages.
_SLIM, _MIDDLE = 480, 800


def article(
    number: int, summary: Summary, finding: Finding, example: Example, folded: bool = False
) -> Markup:
    """Return the article about one violation.

    Args:
        number: number of the entry.
        summary: figures of its scenario and fence.
        finding: the violation.
        example: the violation to draw.
        folded: whether the article is folded.
    """
    diagram = diagram_of(example)
    tale = passages(example.history, example.violation, example.code)
    picture = diagram_svg(diagram, finding.kind, [passage.at for passage in tale])
    title = tag("h3", tag("span", kind_name(finding.kind).capitalize(), class_="tag"), shown(_where(summary)))
    body = join(
        tag("p", shown(brief(finding.detail)), class_="small soft"),
        tag(
            "div",
            tag("div", picture, class_="scroll", tabindex="0"),
            # All that is said stands beside the picture, which is mostly taller.
            tag(
                "div",
                _story(tale),
                _decisive(example),
                tag("p", shown(_origin(finding, example)), class_="small soft after"),
                replayed(finding, summary.seed),
            ),
            class_=f"pairup {_beside(width_of(diagram))}".rstrip(" "),
        ),
    )
    whole = tag("details", tag("summary", title), body) if folded else join(title, body)
    return tag(
        "article",
        whole,
        id=anchor(number, finding.kind),
        class_=f"{finding.kind} ok" if finding.expected else finding.kind,
    )


def replayed(finding: Finding, seed: int) -> Markup:
    """Return the command that replays it, or the seed and schedule if no witness is stored."""
    if finding.replay:
        return tag("code", shown(finding.replay), class_="cmd")
    return tag("p", f"No witness is stored; seed {seed} shows it again in schedule {finding.schedule}.")


def _beside(width: int) -> str:
    return "slim" if width <= _SLIM else "mid" if width <= _MIDDLE else ""


def _where(summary: Summary) -> str:
    return f"{summary.scenario} / {summary.fence}"


def _origin(finding: Finding, example: Example) -> str:
    expected = "as the scenario expects" if finding.expected else "which the scenario does not expect"
    if finding.information:
        expected = "for information, because the fence does not claim this policy"
    shows = f"shows in {finding.count} schedules, {expected}; first in schedule {finding.schedule}"
    drawn = example.shrunk or "drawn as it was found"
    return f"It {shows}. {drawn[:1].upper()}{drawn[1:]}."


def _story(tale: list[Passage]) -> Markup:
    cut = len(tale) - _PASSAGES_MAX
    items = [_passage(passage) for passage in tale]
    if cut > 0:
        half = _PASSAGES_MAX // 2
        # The counter skips the passages that are left out.
        gap = tag("li", f"{cut} more", class_="gap", style=f"counter-increment:p {cut}")
        items = [*items[:half], gap, *items[half + cut :]]
    return tag("ol", *items, class_="tale")


def _passage(passage: Passage) -> Markup:
    return tag(
        "li",
        tag("b", shown(passage.lane)),
        " ",
        tag("code", shown(passage.operation)),
        tag("span", " — ", shown(passage.calls), class_="calls") if passage.calls else None,
        *(join(" · ", tag("em", shown(remark.words), class_=remark.kind)) for remark in passage.remarks),
        code_block(passage.code, passage.crashed),
    )


def _decisive(example: Example) -> Markup | None:
    if not example.critical:
        return None
    pair = example.critical[0]
    instead = "nothing is wrong" if pair.clean else "this violation does not occur"
    return tag(
        "p",
        tag("b", "Deciding order: "),
        shown(str(pair.first)),
        " comes before ",
        shown(str(pair.second)),
        f". In the other order {instead}.",
        class_="decides",
    )
