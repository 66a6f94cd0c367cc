"""A fence that works with directories of the session directory, and files in them; a method each."""

from __future__ import annotations

import os
import subprocess

from tests.harness.gates.kernel.words import Words, error_of, syscall

__all__ = ["Folders"]

_LINKAT = 265
_AT_FDCWD, _AT_EMPTY_PATH, _AT_SYMLINK_FOLLOW = -100, 0x1000, 0x400
_FILL = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do "


class Folders(Words):
    """The directory is ``d``, and ``e`` once it was moved; a file in it is ``x``."""

    fd = -1

    def _at(self, name: str) -> str:
        return os.path.join(os.path.dirname(self.path), name)

    def _append(self, path: str, dir_fd: int | None = None) -> str:
        try:
            fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600, dir_fd=dir_fd)
        except OSError as error:
            return error_of(error)
        os.write(fd, b"x\n")
        os.close(fd)
        return "written"

    def make(self) -> None:
        os.mkdir(self._at("d"))

    def remove(self) -> str:
        try:
            os.rmdir(self._at("d"))
        except OSError as error:
            return error_of(error)
        return "removed"

    def move(self) -> None:
        os.rename(self._at("d"), self._at("e"))

    def write_in(self) -> str:
        return self._append(self._at("d/x"))

    def write_deep(self) -> str:
        os.makedirs(self._at("d/b/c"))
        return self._append(self._at("d/b/c/x"))

    def stat_in(self) -> str:
        status = os.stat(self._at("d/x"))
        return f"{status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"

    def stat_it(self) -> str:
        status = os.stat(self._at("d"))
        return f"{status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns}"

    def stat_moved(self) -> str:
        status = os.stat(self._at("e/x"))
        return f"{status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"

    def look_in(self) -> str:
        return str(os.path.exists(self._at("d/x")))

    def list_it(self) -> str:
        return " ".join(sorted(os.listdir(self._at("d"))))

    def open_it(self) -> None:
        type(self).fd = os.open(self._at("d"), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def write_by_descriptor(self) -> str:
        return self._append("x", self.fd)

    def close_it(self) -> None:
        os.close(self.fd)

    def go_in(self) -> str:
        os.chdir(self._at("d"))
        try:
            return self._append("x")
        finally:
            os.chdir(os.path.dirname(self.path))

    # The transcript

    def move_transcript_in(self) -> None:
        os.rename(self.path, self._at("d/t"))

    def write_moved_transcript(self) -> str:
        return self._append(self._at("d/t"))

    def move_transcript_back(self) -> None:
        os.rename(self._at("d/t"), self.path)

    def link_transcript_in(self) -> None:
        os.link(self.path, self._at("d/t"))

    def write_up_and_down(self) -> str:
        return self._append(self._at("d/../transcript.jsonl"))

    def write_by_linked_directory(self) -> str:
        os.symlink("..", self._at("d/up"))
        return self._append(self._at("d/up/transcript.jsonl"))

    def replace_transcript_by_link(self) -> None:
        os.unlink(self.path)
        os.symlink("d/x", self.path)

    def move_by_linked_directory(self) -> None:
        os.symlink("d", self._at("link"))
        os.rename(self._at("link/x"), self.path)

    # Files without a name

    def put_nameless_in(self) -> str:
        fd = os.open(self._at("d"), os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        os.write(fd, b"nameless\n")
        status = os.fstat(fd)
        syscall(_LINKAT, fd, b"", _AT_FDCWD, os.fsencode(self._at("d/x")), _AT_EMPTY_PATH)
        os.close(fd)
        return f"{status.st_ino} {status.st_nlink} {status.st_mtime_ns}"

    def nameless_becomes_transcript(self) -> None:
        fd = os.open(os.path.dirname(self.path), os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        os.write(fd, b"nameless\n")
        os.unlink(self.path)
        link = b"/proc/self/fd/%d" % fd
        syscall(_LINKAT, _AT_FDCWD, link, _AT_FDCWD, os.fsencode(self.path), _AT_SYMLINK_FOLLOW)
        os.write(fd, b"more\n")
        os.close(fd)

    def probe_nameless(self) -> str:
        """As filelock does, to learn whether the file system has such files."""
        try:
            os.close(os.open(os.path.dirname(self.path), os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except OSError as error:
            return error_of(error)
        return "has them"

    # Names that are left behind

    def leave_much(self) -> None:
        os.makedirs(self._at("d/b/c"))
        os.symlink(os.path.join(self._at(".."), "outside"), self._at("d/b/out"))
        os.chmod(self._at("d/b/c"), 0)
        os.chmod(self._at("d"), 0)

    # Programs

    def fill(self) -> None:
        subprocess.run(["/bin/sh", "-c", _FILL + ": > d/$i; done"], cwd=self._at("."), check=True)

    def fill_and_link(self) -> None:
        script = "ln transcript.jsonl d/t; " + _FILL + ": > d/$i; done; echo x >> d/t"
        subprocess.run(["/bin/sh", "-c", script], cwd=self._at("."), check=True)
