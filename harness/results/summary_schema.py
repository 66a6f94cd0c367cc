"""Make the JSON Schema of ``run --json`` from the types and docstrings of `Summary` and its parts."""

from __future__ import annotations

import inspect
import re
from typing import Any, get_args

import msgspec

from harness.results.coverage import Coverage
from harness.results.paired import Comparison, Difference
from harness.results.stats import Part
from harness.results.summary import Summary, Word

__all__ = ["schema"]

_RESULT = (
    "The result in one word. unexpected: a violation that the scenario does not expect of the fence, or one "
    "that has to show did not. inconclusive: the truth is not known. interrupted: by the user. unexercised: "
    "nothing was found, but too little was tried. information: violations under a policy that the fence does "
    "not claim. expected: violations, all of them expected. pass: no violation."
)
_DOCUMENTED = (Summary, Coverage, Part, Comparison, Difference)
_ARGUMENT = re.compile(r"(\w+(?:, \w+)*): (.*)")
#: Spaces before the name of an argument; its further lines have more.
_ARGUMENT_DEPTH = 4


def schema() -> dict[str, Any]:
    """Return the schema of one line of ``run --json``, draft 2020-12."""
    made: dict[str, Any] = msgspec.json.schema(Summary)
    parts: dict[str, Any] = made["$defs"]
    for struct in _DOCUMENTED:
        body = parts[struct.__name__]
        first, told = _documented(struct)
        body["description"] = first
        for name, words in told.items():
            body["properties"][name]["description"] = words
    whole = parts.pop(Summary.__name__)
    fields = whole["properties"]
    names = ("scenario", "fence")
    whole["properties"] = {
        **{name: fields.pop(name) for name in names},
        "result": {"enum": list(get_args(Word)), "description": _RESULT},
        **fields,
    }
    # A field that this release always prints may be missing in what an earlier one has stored.
    whole["required"] = [*names, "result", *(name for name in whole["required"] if name not in names)]
    about = {"title": "Result", "description": "One scenario under one fence, one line of `run --json`."}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole, **about, "$defs": parts}


def _documented(struct: type) -> tuple[str, dict[str, str]]:
    """Return the first sentence of a class's docstring, and what its ``Args`` say of each field."""
    text = inspect.getdoc(struct) or ""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in text.partition("Args:\n")[2].split("\n"):
        if not line.strip():
            break
        argument = _ARGUMENT.fullmatch(line.strip()) if _depth(line) == _ARGUMENT_DEPTH else None
        if argument is not None:
            names = argument[1].split(", ")
            found |= dict.fromkeys(names, _sentence(argument[2]))
        else:
            found |= {name: f"{found[name]} {_sentence(line.strip())}" for name in names}
    return _sentence(text.partition("\n")[0]), found


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _sentence(text: str) -> str:
    """Return a docstring's text in the form of Markdown."""
    return text.replace("``", "`")
