"""The site has every page and loads nothing from elsewhere; links lead to files, also in the shipped copy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from mkdocs_hooks import linked_files

ROOT = Path(__file__).parents[1]
CONFIG = (ROOT / "mkdocs.yml").read_text()
SHIPPED = "takeover_harness/shipped/"


def pages_of(config: str) -> list[str]:
    """Return the pages in the navigation, in its order."""
    return re.findall(r"^ +- (?:.*: )?(\S+\.md)$", config, re.MULTILINE)


def small_site(folder: Path, page: str) -> subprocess.CompletedProcess[str]:
    """Build a site of a README, one page and a result, with our configuration but for the navigation."""
    for name in ("mkdocs_hooks.py", "README.md"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "docs").mkdir()
    (folder / "docs" / "page.md").write_text(page)
    (folder / "results").mkdir()
    (folder / "results" / "table.md").write_text("# A table\n")
    # The README links to many pages; only its headings count here.
    readme = re.sub(r"\]\([^)]*\)", "]", (folder / "README.md").read_text())
    (folder / "README.md").write_text(readme)
    settings = CONFIG.partition("\nnav:")[0]
    nav = "\nnav:\n  - README.md\n  - docs/page.md\n  - results/table.md\n"
    (folder / "mkdocs.yml").write_text(settings + nav)
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"],
        cwd=folder,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_every_document_is_in_the_navigation_once() -> None:
    pages = pages_of(CONFIG)
    documents = {str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")}
    assert documents | {"README.md", "ARCHITECTURE.md", "CHANGELOG.md", "tests/README.md"} <= set(pages)
    assert len(pages) == len(set(pages))


def test_the_first_hour_comes_first() -> None:
    assert pages_of(CONFIG)[:5] == [
        "README.md",
        *("docs/install.md", "docs/tutorial.md", "docs/verdicts.md", "docs/questions.md"),
    ]


def test_every_page_that_is_linked_to_has_a_place() -> None:
    linked = linked_files(ROOT, pages_of(CONFIG))
    assert {path for path in linked if path.endswith(".md")} - set(pages_of(CONFIG)) == set()
    assert "scenarios/programs/git-commit.yaml" in linked


def test_links_lead_to_files_in_the_shipped_copy_as_well() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    included = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    kept = {source for source, target in included.items() if target == SHIPPED + source}
    assert {"README.md", "ARCHITECTURE.md", "docs"} <= kept
    documents = [str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")]
    needed = linked_files(ROOT, ["README.md", "ARCHITECTURE.md", *documents])
    lost = [path for path in needed if not any(path == one or path.startswith(f"{one}/") for one in kept)]
    assert lost == []


def test_the_site_shows_links_of_the_repository_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    page = "# Page\n\n## Two - parts\n\n[a](../README.md#words) [b](../results/table.md) [c](#two---parts)\n"
    done = small_site(tmp_path, page)
    assert done.returncode == 0, done.stderr
    made = (tmp_path / "build/site/docs/page.html").read_text()
    assert {"../index.html#words", "../results/table.html"} <= set(re.findall(r'href="([^"]*)"', made))
    assert re.findall(r"<(?:link|script|img)[^>]*(?:src|href)=\"?(?:https?:)?//[^>]*", made) == []


def test_links_that_lead_nowhere_fail_the_build(tmp_path: Path) -> None:
    broken = ("../results/none.md", "../README.md#none", "../results", "#none")
    done = small_site(tmp_path, "# Page\n\n" + " ".join(f"[a]({link})" for link in broken))
    assert done.returncode == 1
    assert [link for link in broken if f"'{link}'" not in done.stderr] == []
