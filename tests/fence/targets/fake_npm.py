"""Provide a fake npm on the PATH: it has one package, and can be made to fail."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import sys
import tarfile
from pathlib import Path

import pytest

__all__ = ["integrity_of", "put_on_path", "tarball"]

_SCRIPT = """#!{python}
import json, os, shutil, sys, time
verb, spec = sys.argv[1:3]
if os.environ.get("FAKE_NPM_FAILS"):
    print(json.dumps({{"error": {{"code": "E404", "summary": "No match found\\nand more"}}}}))
    sys.exit(1)
if verb == "view":
    print(json.dumps(os.environ["FAKE_NPM_INTEGRITY"]))
else:
    with open(os.environ["FAKE_NPM_LOG"], "a") as log:
        log.write(spec + "\\n")
    folder = next(a for a in sys.argv if a.startswith("--pack-destination=")).partition("=")[2]
    shutil.copy(os.environ["FAKE_NPM_TARBALL"], os.path.join(folder, "package.tgz"))
    while os.environ.get("FAKE_NPM_HANGS") and not os.path.exists(os.environ["FAKE_NPM_HANGS"]):
        time.sleep(0.01)
    print("[]")
"""


def tarball(files: dict[str, bytes]) -> bytes:
    """Return a package as npm makes it, with every file executable."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            member.mode = 0o755
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def integrity_of(data: bytes) -> str:
    """Return a hash in the registry's form."""
    return f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}"


def put_on_path(monkeypatch: pytest.MonkeyPatch, folder: Path, package: bytes) -> Path:
    """Let every `npm pack` fetch `package`.

    Returns:
        A file with a line for each package that was fetched.
    """
    folder.mkdir()
    script = folder / "npm"
    script.write_text(_SCRIPT.format(python=sys.executable))
    script.chmod(0o755)
    (folder / "package.tgz").write_bytes(package)
    log = folder / "log"
    log.touch()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_NPM_TARBALL", str(folder / "package.tgz"))
    monkeypatch.setenv("FAKE_NPM_INTEGRITY", integrity_of(package))
    monkeypatch.setenv("FAKE_NPM_LOG", str(log))
    return log
