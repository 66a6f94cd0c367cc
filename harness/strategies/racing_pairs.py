"""Tell which steps matter to other lanes, from the candidates alone.

There are two questions. Both serve strategies that decide how often an order is tried, and never which
orders exist; a search that leaves orders out uses `harness.model.access_set` instead.

- `subject`: does a step touch the transcript or its write lock? SURW samples the orders of these steps.
- `races`: are two steps about the same file or name, and does at least one change it? POS draws new
  priorities for such steps; rare couplings may be missed.
"""

from __future__ import annotations

from harness.model.gate import Candidate
from harness.model.history import PAUSES

__all__ = ["LOCK", "TRANSCRIPT", "is_inert", "names_of", "races", "subject"]

_BETWEEN = " > "
TRANSCRIPT, LOCK = "transcript", "lock"
#: Subjects by path; the write locks are those of `fence.locks`.
_SUBJECTS = {"T": TRANSCRIPT, "T.lock": LOCK, "T.flock": LOCK, "T.lockf": LOCK}
_OPENS = frozenset({"open", "openat", "openat2", "creat", "open_by_handle_at"})
_ENTRIES = frozenset(
    [
        "rename",
        "renameat",
        "renameat2",
        "link",
        "linkat",
        "symlink",
        "symlinkat",
        "unlink",
        "unlinkat",
        "rmdir",
        "mkdir",
        "mkdirat",
        "mknod",
        "mknodat",
        "bind",
    ]
)
#: Calls that close a descriptor, and so may release a lock or remove the last reference to a file.
_CLOSES = frozenset({"close", "dup2", "dup3", "close_range"})

_names: dict[str, tuple[str, ...]] = {}


def names_of(path: str) -> tuple[str, ...]:
    """Return the names in a candidate's path: two for a rename or a link."""
    known = _names.get(path)
    if known is None:
        known = _names[path] = tuple(name for name in path.split(_BETWEEN) if name)
    return known


def is_inert(candidate: Candidate) -> bool:
    """Return whether no other lane can notice the step, apart from released locks and freed inodes."""
    if candidate.call in PAUSES:
        return True
    # Closing the last descriptor releases an flock; only unlink releases a lock file made by O_EXCL.
    return candidate.call in _CLOSES and not candidate.path.endswith((".flock", ".lockf"))


def subject(candidate: Candidate) -> str:
    """Return the contended file that the step touches, by either name of a rename.

    Returns:
        `TRANSCRIPT`, `LOCK` (its write lock), or the empty string.
    """
    path = candidate.path
    if path not in _SUBJECTS:
        found = {_SUBJECTS.get(name, "") for name in names_of(path)}
        _SUBJECTS[path] = TRANSCRIPT if TRANSCRIPT in found else LOCK if LOCK in found else ""
    return "" if is_inert(candidate) else _SUBJECTS[path]


def races(one: Candidate, other: Candidate) -> bool:
    """Return whether two pending steps are about one file or name, and at least one changes it.

    A rename changes both its names. Reading the directory races with each step that creates or removes
    an entry. Creating a lock file by O_EXCL races with its unlink: both write to one name.
    """
    if not (_changes(one) or _changes(other)) or is_inert(one) or is_inert(other):
        return False
    if one.path == other.path:
        return True
    if _BETWEEN in one.path or _BETWEEN in other.path:
        return not set(names_of(one.path)).isdisjoint(names_of(other.path))
    return (one.path == "." and _changes_entries(other)) or (other.path == "." and _changes_entries(one))


def _changes(candidate: Candidate) -> bool:
    # Closing may release a lock; the gate does not count that as writing.
    return candidate.writes or candidate.call in _CLOSES


def _changes_entries(candidate: Candidate) -> bool:
    return candidate.call in _ENTRIES or (candidate.call in _OPENS and candidate.writes)
