"""Run the user's package clients and write the files of their archives."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from fence.targets.target_error import TargetError

__all__ = ["run_client", "write_member"]


def run_client(
    spec: str,
    client: str,
    command: Sequence[str],
    action: str,
    limit_s: float,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a package client to its end.

    Args:
        spec: the package, for the message.
        client: name of the client, for the message.
        command: program and arguments.
        action: action of the client, for the message.
        limit_s: time limit in seconds.
        environment: environment of the client; None for that of this process.

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
        raise TargetError(f"{spec}: {client} {action} took more than {limit_s:.0f} s") from error


def write_member(archive: str, member: str, inside: PurePosixPath, folder: Path, source: IO[bytes]) -> Path:
    """Write a file of an archive below a folder.

    Args:
        archive: name of the archive, for the message.
        member: name of the file in the archive, for the message.
        inside: path of the file relative to the folder.
        folder: folder to unpack to.
        source: content of the file.

    Raises:
        TargetError: the path leads out of the folder.
    """
    if ".." in inside.parts or inside.is_absolute():
        raise TargetError(f"{archive}: has a file {member!r}, which leads out of the package")
    path = folder / inside
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        shutil.copyfileobj(source, target)
    return path
