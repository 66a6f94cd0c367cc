from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import blake3
import pytest

import fence
from fence.protocol import Fence


@pytest.mark.parametrize("name", list(fence.FENCES))
def test_every_registered_name_leads_to_a_fence(name: str) -> None:
    assert issubclass(fence.load(name), Fence)


def test_an_unknown_name_is_an_error_listing_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'legder', expected one of none, .*ledger"):
        fence.load("legder")


def test_the_package_needs_the_standard_library_and_the_hash_of_the_ledger() -> None:
    program = (
        f"import sys; sys.path.append({str(Path(blake3.__file__).parents[1])!r})\n"
        "import fence\n"
        "for name in fence.FENCES: fence.load(name)\n"
        "outside = {n.partition('.')[0] for n in sys.modules} - set(sys.stdlib_module_names) - {'fence'}\n"
        "print(sorted(n for n in outside if not n.startswith('__')))\n"
    )
    # -S: without what packages do at a start.
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, timeout=600, check=True
    )
    assert done.stdout.strip() == "['blake3']"
