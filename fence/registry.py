"""Tables of records by name, to which an installed package or a file of the user can add records.

A record of a package is an *entry point* (`importlib.metadata`): a line under the registry's group in the
``entry_points.txt`` of a package, or in its pyproject.toml::

    [project.entry-points."takeover_harness.policies"]
    appends-only = "my_package.policies:APPENDS_ONLY"

Every process with the same import path finds the same entry points, so explorers and workers know
what the command line knows. The search reads the import path. It takes place once, and only for
a name that is not built in, or for all names: a start without extensions pays
nothing. `docs/extending.md` shows one addition of each kind. A record of a file is put in by `Registry.add`;
`harness.extensions` does that for the files that a scenario or the user names, in each process that needs
them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, cast

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["Origin", "Registry", "named", "note_files", "outside_files", "outside_modules"]

#: Modules that entry points named and that were imported for it.
_modules: set[str] = set()
#: Files of the user whose records were put in.
_files: set[str] = set()

_Record = TypeVar("_Record")


class Origin(NamedTuple):
    """Where a record from outside the source tree comes from.

    Attributes:
        text: a package's name, or a file as the user names it.
        file: real path of the file; empty for a package.
    """

    text: str
    file: str = ""


class Registry(Mapping[str, _Record], Generic[_Record]):
    """Records by name: the built-in ones in their order, then those from outside by name.

    Args:
        what: one record in a word or two, for messages.
        group: the group of entry points.
        built_in: records of the source tree by name.
        fault: says what is wrong with a record from outside of that name; empty when nothing is.
        load: gets the record that an entry point stands for.
        error: raised for an entry point that cannot be used.
    """

    def __init__(
        self,
        what: str,
        group: str,
        built_in: Mapping[str, _Record],
        fault: Callable[[str, object], str],
        load: Callable[[EntryPoint], object] | None = None,
        error: type[Exception] = ValueError,
    ) -> None:
        self.what = what
        self.group = group
        self.built_in: Mapping[str, _Record] = dict(built_in)
        self._fault = fault
        self._load = load
        self._error = error
        self._outside: dict[str, _Record] | None = None
        self._added: dict[str, _Record] = {}
        self._origins: dict[str, Origin] = {}

    def add(self, name: str, record: object, origin: Origin) -> None:
        """Add a record of a user's file.

        Args:
            name: under which it is found.
            record: checked here.
            origin: of the record.

        Raises:
            Exception: the registry's `error`; the record is wrong, or another one has that name.
        """
        where = f"{origin.text}: the {self.what} {name!r}"
        if name in self.built_in or name in self.outside:
            owner = self.origin(name)
            raise self._error(
                f"{where}: {owner.text if owner is not None else 'the harness'} has {_article(self.what)} of "
                "that name already; rename one of them"
            )
        fault = self._fault(name, record)
        if fault:
            raise self._error(f"{where}: {fault}; mend the file")
        assert self._outside is not None, "was searched for above"
        self._added[name] = self._outside[name] = cast(_Record, record)
        self._origins[name] = origin

    def remove(self, name: str) -> None:
        """Remove a record that `add` put in."""
        del self._added[name], self._origins[name]
        if self._outside is not None:
            del self._outside[name]

    def origin(self, name: str) -> Origin | None:
        """Return where a record comes from; None for one of the source tree."""
        if name not in self.built_in and name not in self._added:
            _ = self.outside
        return self._origins.get(name)

    @property
    def outside(self) -> Mapping[str, _Record]:
        """Return the records from outside the source tree; the first call searches for those of packages.

        Raises:
            Exception: the registry's `error`; an entry point of the group cannot be used.
        """
        if self._outside is None:
            self._outside = self._found()
        return self._outside

    def __getitem__(self, name: str) -> _Record:
        found = self.built_in.get(name)
        if found is None:
            found = self._added.get(name)
        return self.outside[name] if found is None else found

    def __iter__(self) -> Iterator[str]:
        yield from self.built_in
        yield from self.outside

    def __len__(self) -> int:
        return len(self.built_in) + len(self.outside)

    def _found(self) -> dict[str, _Record]:
        # The import alone takes longer than the start of a command.
        from importlib.metadata import entry_points

        found: dict[str, _Record] = {}
        owners: dict[str, str] = {}
        for point in sorted(entry_points(group=self.group), key=lambda one: (one.name, one.value)):
            owner = point.dist.name if point.dist is not None else "an unknown package"
            where = f"entry point {point.name} = {point.value} of {owner}, group {self.group}"
            if point.name in self.built_in or point.name in owners:
                other = owners.get(point.name, "the harness")
                raise self._error(
                    f"{where}: {other} has {_article(self.what)} of that name already; rename one of them"
                )
            owners[point.name] = owner
            self._origins[point.name] = Origin(f"package {owner}")
            found[point.name] = self._loaded(point, where)
        return found

    def _loaded(self, point: EntryPoint, where: str) -> _Record:
        try:
            record = point.load() if self._load is None else self._load(point)
        except Exception as error:  # a foreign module may raise anything while it is imported
            raise self._error(
                f"{where}: importing it failed: {type(error).__name__}: {error}; mend or uninstall it"
            ) from error
        _modules.add(point.module)
        fault = self._fault(point.name, record)
        if fault:
            raise self._error(f"{where}: {fault}; mend or uninstall it")
        return cast(_Record, record)


def named(kind: type) -> Callable[[str, object], str]:
    """Return a check for records of a class whose `name` has to be that of the entry point."""

    def fault(name: str, record: object) -> str:
        if not isinstance(record, kind):
            return f"is a {type(record).__name__}, expected a {kind.__name__}"
        own: object = vars(record)["name"]
        return "" if own == name else f"its record is called {own!r}, expected {name!r}"

    return fault


def outside_files() -> list[str]:
    """Return the files of all records from outside that this process has loaded so far."""
    found = (getattr(sys.modules.get(name), "__file__", None) for name in _modules)
    return sorted({*_files, *(file for file in found if file)})


def outside_modules() -> list[str]:
    """Return the names of the modules of packages that this process has loaded records from."""
    return sorted(_modules)


def note_files(files: Iterable[str]) -> None:
    """Count files among those of `outside_files`."""
    _files.update(files)


def _article(what: str) -> str:
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"
