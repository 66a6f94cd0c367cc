"""Bytes fed to hashes are counted in the child process, and only there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import blake3
import pytest

from harness.tools.bench.hashing import counted_apart, hashed_bytes

_DATA = b"x" * 100


def _fed_in_parts() -> None:
    digest = hashlib.sha256()
    digest.update(_DATA)
    digest.copy().update(memoryview(_DATA))


def _hashed_by_blake3_in_parts() -> None:
    from blake3 import blake3

    digest = blake3(key=bytes(32))
    digest.update(_DATA)
    digest.copy().update(memoryview(_DATA))


def _imported_by_name() -> None:
    # A fence that is imported only then does this.
    from hashlib import blake2b

    assert len(blake2b(_DATA, digest_size=16).digest()) == 16


@pytest.mark.parametrize(
    ("hash_it", "count"),
    [
        (lambda: hashlib.sha256(_DATA).hexdigest(), 100),
        (lambda: hashlib.blake2b(_DATA, digest_size=8).digest(), 100),
        (lambda: hashlib.new("sha1", _DATA).digest(), 100),
        (lambda: hashlib.new("sha1", data=_DATA).digest(), 100),
        (lambda: hashlib.md5().digest(), 0),
        (lambda: blake3.blake3(_DATA, key=bytes(32)).digest(16), 100),
        (_hashed_by_blake3_in_parts, 200),
        (_fed_in_parts, 200),
        (_imported_by_name, 100),
    ],
)
def test_bytes_fed_to_a_hash_are_counted(hash_it: Callable[[], object], count: int) -> None:
    def do() -> int:
        before = hashed_bytes()
        hash_it()
        return hashed_bytes() - before

    assert counted_apart(do, int) == count


def test_a_counting_hash_has_the_same_digest() -> None:
    assert counted_apart(lambda: hashlib.sha256(_DATA).hexdigest(), str) == hashlib.sha256(_DATA).hexdigest()


def test_nothing_is_counted_in_the_parent() -> None:
    plain = hashlib.sha256
    counted_apart(lambda: hashlib.sha256(_DATA).digest(), bytes)
    assert hashlib.sha256 is plain
    assert isinstance(blake3.blake3, type)
    assert hashed_bytes() == 0


def test_an_error_in_the_child_is_raised_in_the_parent() -> None:
    with pytest.raises(RuntimeError, match="ValueError: not today"):
        counted_apart(lambda: _raise(ValueError("not today")), int)


def _raise(error: Exception) -> int:
    raise error
