"""Measure real file systems and write results/filesystems.json and .md.

    python -m tests.measured_filesystems          # on this kernel
    python -m tests.measured_filesystems --guest  # and on Debian's, in a virtual machine that needs no KVM

Needs root. A file system that cannot be mounted is not measured, and the table says why. The
virtual machine takes some minutes and apt-get (Debian 12).
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Final

import msgspec

from tests.measured_filesystems.facts import measure
from tests.measured_filesystems.guest import GuestError, boot
from tests.measured_filesystems.kernel import is_ticking, kernel_version, tick_ms
from tests.measured_filesystems.mounts import MOUNTABLE, SERVED, MountFailedError, mounted, provider
from tests.measured_filesystems.table import HERE, Machine, Row, rendered

RESULTS: Final = Path(__file__).resolve().parents[2] / "results"


def main() -> None:
    """Measure what can be mounted, and write the table."""
    parser = argparse.ArgumentParser(
        prog="measured-filesystems",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--guest", action="store_true", help="also in a virtual machine")
    parser.add_argument("--print", action="store_true", help="print what this is measured to be, as JSON")
    asked = parser.parse_args()
    if os.geteuid():
        # The table would lose the measurements.
        parser.error("nothing can be mounted; run it as root")
    if asked.print:
        print(msgspec.json.encode(_measured((*MOUNTABLE, *SERVED))).decode())
        return
    data = RESULTS / "filesystems.json"
    machines = msgspec.json.decode(data.read_bytes(), type=dict[str, Machine]) if data.exists() else {}
    machines[HERE] = _measured(MOUNTABLE)
    if asked.guest:
        try:
            machines["guest"] = msgspec.convert(boot("--print"), Machine)
        except GuestError as error:
            parser.error(f"--guest: {error}; nothing is written")
    data.write_bytes(msgspec.json.format(msgspec.json.encode(machines), indent=1) + b"\n")
    (RESULTS / "filesystems.md").write_text(rendered(machines))
    print(rendered(machines))


def _measured(names: tuple[str, ...]) -> Machine:
    rows = []
    for name in names:
        try:
            with mounted(name) as place:
                rows.append(Row(name, provider(name), measure(place, forgetting=True)))
        except MountFailedError as error:
            rows.append(Row(name, why_not=str(error)))
    version = kernel_version()
    return Machine(version, tick_ms(), is_ticking(version), rows)


if __name__ == "__main__":
    main()
