"""Which steps matter to the others, read off the candidates alone.

Two readings, for strategies that decide how often an order is tried and never which
orders there are; those that leave orders out ask for a `harness.model.access_set` instead:

- `subject`: whether a step touches the transcript or its write lock. What a selective
  walk spreads itself over.
- `races`: the same file or name, and at least one of the two changes it. What a
  sampler of partial orders draws anew; it may miss rare couplings.
"""

from __future__ import annotations

from harness.model.gate import Candidate

__all__ = ["LOCK", "TRANSCRIPT", "is_inert", "names_of", "races", "subject"]

_BETWEEN = " > "
TRANSCRIPT, LOCK = "transcript", "lock"
#: By path; the write locks are those of `fence.locks`.
_SUBJECTS = {"T": TRANSCRIPT, "T.lock": LOCK, "T.flock": LOCK, "T.lockf": LOCK}
#: Steps that neither see nor change anything.
_IDLE = frozenset({"think", "sleep", "turn"})
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
    return candidate.call in _CLOSES and not candidate.path.endswith((".flock", ".lockf"))


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
