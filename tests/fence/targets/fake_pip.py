"""Provide a fake pip: it has one archive, and can be made to fail."""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from pathlib import Path

import pytest

from fence.targets import pypi

__all__ = ["put_in_place", "sha256_of", "wheel"]

_SCRIPT = """
import json, os, pathlib, shutil, sys
words = sys.argv[1:]
if os.environ.get("FAKE_PIP_FAILS"):
    sys.exit("WARNING: something\\nERROR: No matching distribution found for it")
if words[0] == "install":
    hashes = {"sha256": os.environ["FAKE_PIP_SHA256"]} if "FAKE_PIP_SHA256" in os.environ else {}
    print(json.dumps({"install": [{"download_info": {"archive_info": {"hashes": hashes}}}]}))
else:
    with open(os.environ["FAKE_PIP_LOG"], "a") as log:
        log.write(pathlib.Path(words[words.index("-r") + 1]).read_text())
    shutil.copy(os.environ["FAKE_PIP_ARCHIVE"], words[words.index("--dest") + 1])
"""


def wheel(files: dict[str, bytes]) -> bytes:
    """Return an archive in the form of a wheel."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def sha256_of(data: bytes) -> str:
    """Return a hash in the index's form."""
    return hashlib.sha256(data).hexdigest()


def put_in_place(
    monkeypatch: pytest.MonkeyPatch, folder: Path, archive: bytes, name: str = "thing-1-py3-none-any.whl"
) -> Path:
    """Let every download fetch `archive`.

    Returns:
        A file with a line for each archive that was fetched.
    """
    folder.mkdir()
    script = folder / "pip.py"
    script.write_text(_SCRIPT)
    (folder / name).write_bytes(archive)
    log = folder / "log"
    log.touch()
    monkeypatch.setattr(pypi, "_PIP", (sys.executable, str(script)))
    monkeypatch.setenv("FAKE_PIP_ARCHIVE", str(folder / name))
    monkeypatch.setenv("FAKE_PIP_SHA256", sha256_of(archive))
    monkeypatch.setenv("FAKE_PIP_LOG", str(log))
    return log
