"""Give the site the tree of the repository, so that the same links work on both.

Documents link to files outside of ``docs/``: the README, scenarios, results, examples. MkDocs knows one
folder of documents. So the files of the site are the pages of ``nav`` and all that they link to, page after
page, each at the path that it has in the repository. The strict build refuses a link to a missing file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

__all__ = ["linked_files", "on_files"]

_LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)\s]*)?\)")
_ADDRESS = re.compile(r"[a-z]+:")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Return the files of the theme, the pages of ``nav``, and all that these link to."""
    root = Path(config.config_file_path).parent
    ours = Files([file for file in files if file.src_dir != config.docs_dir])
    for path in linked_files(root, list(_pages(config.nav))):
        ours.append(File.generated(config, path, abs_src_path=str(root / path)))
    return ours


def linked_files(root: Path, pages: list[str]) -> list[str]:
    """Return these pages and every file that they lead to, link by link.

    Args:
        root: of the repository.
        pages: paths below the root.

    Returns:
        Paths below the root, each once, the pages first.
    """
    found = list(dict.fromkeys(pages))
    for path in found:
        if not path.endswith(".md"):
            continue
        for link in _LINK.findall((root / path).read_text(encoding="utf-8")):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), link))
            if not _ADDRESS.match(link) and target not in found and (root / target).is_file():
                found.append(target)
    return found


def _pages(nav: Any) -> Iterator[str]:
    """Yield the paths in ``nav``, which is texts, mappings and lists in one another."""
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, dict):
        for part in nav.values():
            yield from _pages(part)
    else:
        for part in nav:
            yield from _pages(part)
