"""Witnesses in one archive: ``ARCHIVE.tar.xz:NAME`` stands where a command takes a witness's path.

The archive is unpacked in memory, up to a limit, and nothing of it is written to disk.
Files that stand alone are read by `harness.system.bounded_read`. The modules that unpack are imported
late: workers read no archive.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

from harness.model.errors import FormatError
from harness.system import bounded_read

__all__ = ["UNPACKED_BYTES_MAX", "content", "encode", "members", "split"]

#: Of all members together with their headers; an archive of 400 witnesses has 8 MB.
UNPACKED_BYTES_MAX = 1 << 26

_SUFFIX = ".tar.xz"
_DECODER_BYTES_MAX = 1 << 27
_LISTED_MAX = 1000
_NEAREST = 10


def split(path: str) -> tuple[str, str] | None:
    """Return the archive and the member that a path names; None where it names no archive.

    Returns:
        The member is empty where the path is that of an archive and names none.
    """
    archive, mark, member = path.partition(f"{_SUFFIX}:")
    if mark:
        return f"{archive}{_SUFFIX}", member
    return (path, "") if path.endswith(_SUFFIX) else None


def content(path: str, bytes_max: int) -> bytes:
    """Return all bytes of a file, or of a member of an archive.

    Args:
        path: of a file, or ``ARCHIVE.tar.xz:NAME``.
        bytes_max: a larger file is refused; a member is limited by `UNPACKED_BYTES_MAX`.

    Raises:
        OSError: the file or the archive cannot be read, or is too large.
        FormatError: the archive is damaged, unpacks to too much, or has no such member;
            the message lists the members that could be meant.
        ValueError: the path is none.
    """
    named = split(path)
    if named is None:
        return bounded_read.content(path, bytes_max)
    archive, name = named
    names = []
    for member, data in _members(archive):
        if member == name:
            return data
        names.append(member)
    raise FormatError(_unknown(archive, name, names))


def members(archive: str) -> dict[str, bytes]:
    """Return all members of an archive by name.

    Raises:
        OSError: the archive cannot be read, or is too large.
        FormatError: it is damaged, or unpacks to too much.
    """
    return dict(_members(archive))


def encode(files: Mapping[str, bytes]) -> bytes:
    """Return an archive of some files; equal files make equal bytes, in any order.

    Args:
        files: content by name.
    """
    import lzma
    import tarfile

    unpacked = io.BytesIO()
    with tarfile.open(fileobj=unpacked, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            # Owner, group and time are 0 and the mode 644, on any machine.
            header = tarfile.TarInfo(name)
            header.size = len(files[name])
            archive.addfile(header, io.BytesIO(files[name]))
    return lzma.compress(unpacked.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def _members(archive: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each regular file of an archive; links and sparse files are left out."""
    import tarfile

    unpacked = _unpacked(archive)
    try:
        with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as files:
            for header in files:
                # A sparse file says how large it is and has no bytes for it.
                file = files.extractfile(header) if header.isreg() and not header.issparse() else None
                if file is not None:
                    yield header.name, file.read()
    except (tarfile.TarError, OSError, ValueError, RecursionError) as error:
        raise FormatError(f"{archive}: {error}; expected a tar archive of witnesses") from error


def _unpacked(archive: str) -> bytes:
    import lzma

    packed = bounded_read.content(archive, UNPACKED_BYTES_MAX)
    decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_DECODER_BYTES_MAX)
    try:
        unpacked = decoder.decompress(packed, UNPACKED_BYTES_MAX + 1)
    except lzma.LZMAError as error:
        raise FormatError(f"{archive}: {error}; expected an archive that xz has packed") from error
    if len(unpacked) > UNPACKED_BYTES_MAX:
        raise FormatError(
            f"{archive}: unpacks to more than {UNPACKED_BYTES_MAX} bytes; "
            "unpack it, and give the path of a file"
        )
    if not decoder.eof:
        raise FormatError(f"{archive}: cut off; expected a whole archive that xz has packed")
    return unpacked


def _unknown(archive: str, name: str, names: list[str]) -> str:
    import difflib

    if not names:
        return f"{archive}: holds no file; give the path of a witness that `run` wrote"
    if not name:
        lead = f"{archive}: an archive, expected one of its {len(names)} witnesses"
        meant = names
    else:
        lead = f"{archive}: no witness {name!r} among its {len(names)}"
        meant = [one for one in names if name in one] or difflib.get_close_matches(name, names, _NEAREST)
    listed = "".join(
        f"\n  {archive}:{one if one.isprintable() else ascii(one)}" for one in meant[:_LISTED_MAX]
    )
    left = f"\n  and {len(meant) - _LISTED_MAX} more" if len(meant) > _LISTED_MAX else ""
    if not meant:
        return f"{lead}; give {archive} alone to see them"
    return f"{lead}; give one of{listed}{left}"
