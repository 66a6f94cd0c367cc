"""The signature of a system call: which of its arguments name a file, and what it does."""

from __future__ import annotations

__all__ = ["Call"]


class Call:
    """Signature of one call; a number is the index of an argument, -1 for none.

    Args:
        name: as in the manual.
        kind: ``look`` (reads only), ``data`` (may change bytes or length),
            ``meta`` (changes what stat tells), ``names`` (changes the directory),
            ``open``, ``close``, ``lock``, ``map``, ``stat`` (may be answered by us),
            ``sleep``, ``clock`` (reads one without the vDSO), ``timed`` (waits, at most for a
            time), ``timer`` (makes, sets or reads one), ``random``, ``start`` (a program's
            first), ``yield`` (lets other threads go first), ``task``, ``table`` (changes
            descriptors), ``bind`` (may make a socket's file), ``wake`` (may wake a sleeper
            and does nothing else), ``event`` (makes what a process wakes itself by),
            ``others`` (is about a process, which may be outside the session), ``refused``
            (is none of a lane's business), ``park``.
        fd: descriptor.
        at: directory descriptor of `path`.
        path: first path.
        at2: directory descriptor of `path2`.
        path2: second path.
        flags: flag argument (of open, or AT_ flags).
        asks: may ask for a lock without waiting for it; so may an open.
    """

    __slots__ = ("asks", "at", "at2", "fd", "flags", "kind", "name", "path", "path2")

    def __init__(
        self,
        name: str,
        kind: str,
        fd: int = -1,
        at: int = -1,
        path: int = -1,
        at2: int = -1,
        path2: int = -1,
        flags: int = -1,
        asks: bool = False,
    ) -> None:
        self.name = name
        self.kind = kind
        self.fd = fd
        self.at = at
        self.path = path
        self.at2 = at2
        self.path2 = path2
        self.flags = flags
        self.asks = asks
