"""Which steps may be exchanged without anybody noticing, and which steps matter.

Two steps of different lanes *conflict* when their order could make a difference to
either lane or to the files. What is told here is read off the candidates alone, so
it errs on one side: what might conflict does. Three readings, from coarse to fine:

- `subject`: whether a step touches the transcript or its write lock. What a selective
  walk spreads itself over.
- `races`: the same file or name, and at least one of the two changes it. What a
  sampler of partial orders draws anew; it may miss rare couplings, for it only
  decides how often an order is tried, never which orders there are.
- `Relation.dependent`: everything through which the order of two steps could show,
  directory entries, inode numbers, locks that go with a descriptor, mappings and links
  included. What a search that leaves orders out has to ask.

Not in any of them: virtual time. Each step takes `Program.step_ns`, so exchanging two
steps moves the stamps of both by that much. A search that leaves orders out has to let
time stand still, or say that its certificate holds up to such shifts. Memory that lanes
of one process share is in `Relation` alone, which takes any two such lanes for dependent.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.gates.protocol import Candidate

__all__ = ["LOCK", "TRANSCRIPT", "Relation", "is_inert", "names_of", "races", "subject"]

_BETWEEN = " > "
TRANSCRIPT, LOCK = "transcript", "lock"
#: By path; the write locks are those of `fence.locks`.
_SUBJECTS = {"T": TRANSCRIPT, "T.lock": LOCK, "T.flock": LOCK}
#: Steps that neither see nor change anything.
_IDLE = frozenset({"think", "sleep"})
_OPENS = frozenset({"open", "openat", "openat2", "creat", "open_by_handle_at"})
_RENAMES = frozenset({"rename", "renameat", "renameat2", "link", "linkat"})
_SYMLINKS = frozenset({"symlink", "symlinkat"})
_UNNAMES = frozenset({"unlink", "unlinkat", "rmdir"})
_ENTRIES = _RENAMES | _SYMLINKS | _UNNAMES | {"mkdir", "mkdirat", "mknod", "mknodat", "bind"}
#: Calls that let a descriptor go, and with it perhaps a lock or the last hold on a file.
_CLOSES = frozenset({"close", "dup2", "dup3", "close_range"})

_names: dict[str, tuple[str, ...]] = {}


def names_of(path: str) -> tuple[str, ...]:
    """The aliases that a candidate's path is about: two for a rename or a link."""
    known = _names.get(path)
    if known is None:
        known = _names[path] = tuple(name for name in path.split(_BETWEEN) if name)
    return known


def is_inert(candidate: Candidate) -> bool:
    """Whether no other lane can tell when the step happened, locks and freed numbers aside."""
    if candidate.call in _IDLE:
        return True
    # An flock goes with its last descriptor; a lock file made by O_EXCL goes by unlink alone.
    return candidate.call in _CLOSES and not candidate.path.endswith(".flock")


def subject(candidate: Candidate) -> str:
    """What is fought over in the step, by either name of a rename.

    Returns:
        `TRANSCRIPT`, `LOCK` (its write lock), or the empty string.
    """
    path = candidate.path
    if path not in _SUBJECTS:
        found = {_SUBJECTS.get(name, "") for name in names_of(path)}
        _SUBJECTS[path] = TRANSCRIPT if TRANSCRIPT in found else LOCK if LOCK in found else ""
    return "" if is_inert(candidate) else _SUBJECTS[path]


def races(one: Candidate, other: Candidate) -> bool:
    """Whether two pending steps are about one file or name and at least one changes it.

    A rename is about both its names, and both change. A look at the directory races
    with whatever makes or removes an entry. Taking a lock file by O_EXCL races with its
    unlink, being two writes to one name.
    """
    if not (_changes(one) or _changes(other)) or is_inert(one) or is_inert(other):
        return False
    if one.path == other.path:
        return True
    if _BETWEEN in one.path or _BETWEEN in other.path:
        return not set(names_of(one.path)).isdisjoint(names_of(other.path))
    return (one.path == "." and _moves_entries(other)) or (other.path == "." and _moves_entries(one))


def _changes(candidate: Candidate) -> bool:
    # Closing lets a lock go; the gate does not call that writing.
    return candidate.writes or candidate.call in _CLOSES


def _moves_entries(candidate: Candidate) -> bool:
    return candidate.call in _ENTRIES or (candidate.call in _OPENS and candidate.writes)


class Relation:
    """The conservative relation, for one schedule as far as it has come.

    Whatever makes two names lead to one file (rename, link, symlink) joins them from
    then on. Once a file is mapped for writing, any step may store into it, and no two
    steps can be told apart from then on.

    Args:
        processes: of each lane, by name; lanes of one process share memory, so their
            steps always depend on each other. Empty: each lane has one of its own.
    """

    def __init__(self, processes: Sequence[str] = ()) -> None:
        self._processes = tuple(processes)
        self.begin()

    def begin(self) -> None:
        """A schedule begins: no name has been joined to another."""
        self._joined: dict[str, str] = {}
        self._anything = False

    def note(self, candidate: Candidate) -> None:
        """The step was taken; later answers know of it."""
        call = candidate.call
        if call in _SYMLINKS or (call == "mmap" and candidate.writes):
            self._anything = True
        elif call in _RENAMES:
            roots = [self._root(name) for name in names_of(candidate.path)]
            for root in roots[1:]:
                self._joined[root] = roots[0]

    def dependent(self, one: Candidate, other: Candidate) -> bool:
        """Whether the order of two steps that are both possible now could show."""
        if one.lane == other.lane or self._share_memory(one.lane, other.lane):
            return True
        if self._anything:
            return True
        if one.call in _IDLE or other.call in _IDLE:
            return False
        if self._numbers(one, other):
            return True
        return (_changes(one) or _changes(other)) and self._meet(one, other)

    def _share_memory(self, one: int, other: int) -> bool:
        processes = self._processes
        return bool(processes) and processes[one] == processes[other]

    def _numbers(self, one: Candidate, other: Candidate) -> bool:
        """Whether both touch what the directory shares: entries, and numbers given and freed."""
        if _moves_entries(one):
            return _moves_entries(other) or other.path == "." or other.call in _CLOSES
        return _moves_entries(other) and (one.path == "." or one.call in _CLOSES)

    def _meet(self, one: Candidate, other: Candidate) -> bool:
        mine = {self._root(name) for name in names_of(one.path)}
        theirs = {self._root(name) for name in names_of(other.path)}
        # A call without a name that we know may be about anything.
        return not mine or not theirs or not mine.isdisjoint(theirs)

    def _root(self, name: str) -> str:
        joined = self._joined
        while name in joined:
            name = joined[name]
        return name
