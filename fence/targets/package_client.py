"""What package clients of the user and their archives have in common."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from fence.targets.target_error import TargetError

__all__ = ["called", "put"]


def called(
    spec: str,
    client: str,
    command: Sequence[str],
    action: str,
    limit_s: float,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a package client to its end.

    Args:
        spec: of the package, for the message.
        client: its name, likewise.
        command: program and arguments.
        action: what it is to do, likewise.
        limit_s: seconds that it may take.
        environment: of the client; None for ours.

    Raises:
        TargetError: it takes too long.
        FileNotFoundError: there is no such program.
    """
    try:
        return subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TargetError(f"{spec}: {client} {action} was not over after {limit_s:.0f} s") from error


def put(archive: str, member: str, inside: PurePosixPath, folder: Path, source: IO[bytes]) -> Path:
    """Write a file of an archive below a folder.

    Args:
        archive: its name, for the message.
        member: what the file is called there, likewise.
        inside: where it belongs, as seen from the folder.
        folder: where the archive is unpacked.
        source: what is in it.

    Raises:
        TargetError: it would lie outside of the folder.
    """
    if ".." in inside.parts or inside.is_absolute():
        raise TargetError(f"{archive}: has a file {member!r}, which leads out of the package")
    path = folder / inside
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        shutil.copyfileobj(source, target)
    return path
