"""``docs``: print the documents that come with the harness, or their names."""

from __future__ import annotations

import argparse
import difflib
import os

from harness.cli.output import emit
from harness.cli.status import OK
from harness.model.errors import UsageError
from harness.system.shipped import shipped

__all__ = ["main"]

_TOP = ("README", "ARCHITECTURE")


def main(arguments: argparse.Namespace) -> int:
    """Print a page as it is, or one line for each page."""
    pages = _pages()
    if arguments.page is None:
        emit(f"in {shipped('docs')}; `docs PAGE` prints one")
        width = max(map(len, pages))
        for name, path in pages.items():
            emit(f"{name:<{width}}  {_title(path)}")
        return OK
    name = arguments.page.removesuffix(".md").removeprefix("docs/")
    if name not in pages:
        close = difflib.get_close_matches(name, pages, 1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise UsageError(f"{arguments.page}: no such page; {hint}`python -m harness docs` lists them")
    with open(pages[name], encoding="utf-8") as file:
        emit(file.read().rstrip("\n"))
    return OK


def _pages() -> dict[str, str]:
    """Return the file of each page by its name, as ``running`` or ``reference/scenario``."""
    top = shipped("docs")
    found = {name: shipped(f"{name}.md") for name in _TOP}
    for folder, _, names in os.walk(top):
        for name in names:
            if name.endswith(".md"):
                path = os.path.join(folder, name)
                page = os.path.relpath(path, top).removesuffix(".md")
                found["docs" if page == "README" else page] = path
    return dict(sorted(found.items()))


def _title(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.readline().lstrip("# ").strip()
