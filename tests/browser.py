"""Pages in a real browser, headless: pictures of them, and faults of their layout.

The page itself runs no script; it is looked at from a frame around it, as wide as asked
for, since a window of its own never gets as narrow as a telephone.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["found", "layout", "picture"]

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE_S = 600.0

#: Faults of a page: elements that are wider than it, texts that are cut off, labels that meet.
_LOOK = """
const look = page => {
  const root = page.documentElement, wide = root.clientWidth, wrong = [];
  const told = element => element.tagName + "." + (element.getAttribute("class") || "") + " "
    + element.textContent.slice(0, 60);
  if (root.scrollWidth > wide) wrong.push("the page scrolls sideways: " + root.scrollWidth + " > " + wide);
  for (const element of page.body.querySelectorAll("*")) {
    if (element.closest(".scroll") && !element.matches(".scroll")) continue;
    const box = element.getBoundingClientRect();
    if (box.width && (box.right > wide + 1 || box.left < -1)) wrong.push("sticks out: " + told(element));
  }
  for (const element of page.querySelectorAll("td, th, dt, dd, li, p, h1, h2, h3, .cmd"))
    if (element.scrollWidth > element.clientWidth + 1) wrong.push("is cut off: " + told(element));
  if (wide < 640) for (const element of page.querySelectorAll(".code"))
    if (element.scrollWidth > element.clientWidth + 1) wrong.push("is cut off: " + told(element));
  const meet = (one, other) => Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1
    && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 3;
  for (const picture of page.querySelectorAll("figure svg, .scroll > svg, td > svg")) {
    const edge = picture.getBoundingClientRect();
    const texts = [...picture.querySelectorAll("text")].map(text => {
      const box = text.getBoundingClientRect(), column = text.closest("svg");
      // The box of a picture in a picture is that of what it holds.
      const end = column === picture ? edge.right
        : edge.left + (column.x.baseVal.value + column.width.baseVal.value) * edge.width
          / picture.viewBox.baseVal.width;
      if (box.right > end + 1) wrong.push("runs out of its column: " + text.textContent);
      if (box.left < edge.left - 1 || box.right > edge.right + 1 || box.top < edge.top - 2
        || box.bottom > edge.bottom + 2) wrong.push("runs out of its picture: " + text.textContent);
      return {box, words: text.textContent};
    });
    for (let at = 0; at < texts.length; at++) for (let other = at + 1; other < texts.length; other++)
      if (meet(texts[at].box, texts[other].box))
        wrong.push("meets: " + texts[at].words + " / " + texts[other].words);
  }
  const bottoms = [...page.querySelectorAll(".failures b")].map(
    name => [name.textContent, name.getBoundingClientRect().bottom]);
  const seen = [...page.querySelectorAll("article, .heat tbody tr, section.rest, .heat td.fn")]
    .filter(element => element.getBoundingClientRect().height).map(
      element => element.tagName + " " + element.textContent.slice(0, 60));
  return {height: root.scrollHeight, texts: page.querySelectorAll("text").length, wrong, bottoms, seen};
};
const frames = [...document.querySelectorAll("iframe")];
document.title = JSON.stringify(frames.map(frame => look(frame.contentDocument)));
"""


def found() -> str | None:
    """Path of the browser, if there is one."""
    return next((path for path in map(shutil.which, _NAMES) if path), None)


def picture(page: Path, out: Path, width: int, height: int, dark: bool) -> None:
    """Take a picture.

    Args:
        page: HTML file.
        out: PNG file to write.
        width, height: of the window, CSS pixels.
        dark: whether the reader prefers it so.
    """
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    _browse(*scheme, f"--screenshot={out}", f"--window-size={width},{height}", page.as_uri())


def layout(pages: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    """Return the layouts of pages, all looked at in one go.

    Args:
        pages: text of an HTML file, and the width of the frame that shows it.

    Returns:
        For each, ``height`` in CSS pixels, ``texts`` (labels of pictures), ``wrong`` (a line for each
        fault), ``bottoms`` (each failure that the head names, and the lower end of its name) and ``seen``
        (the visible ones of articles, rows of the heat map, sections on the whole run, and fences in cells).
    """
    frames = (
        f'<iframe style="border:0" width={width} height=900 srcdoc="{html.escape(page)}"></iframe>'
        for page, width in pages
    )
    around = (
        "<!doctype html><meta charset=utf-8><body style=margin:0>"
        f"{''.join(frames)}<script>onload = () => {{{_LOOK}}}</script>"
    )
    with tempfile.TemporaryDirectory() as folder:
        check = Path(folder) / "check.html"
        check.write_text(around)
        dom = _browse("--dump-dom", "--window-size=2000,1000", check.as_uri())
    told = re.search(r"<title>(.*?)</title>", dom.partition("<body")[0], re.S)
    assert told is not None, dom[-2000:]
    result: list[dict[str, Any]] = json.loads(html.unescape(told[1]))
    return result


def _browse(*arguments: str) -> str:
    path = found()
    assert path is not None
    with tempfile.TemporaryDirectory() as profile:
        # No sandbox: it needs rights that containers withhold, and the page is our own.
        fixed = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run")
        command = [path, *fixed, f"--user-data-dir={profile}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
