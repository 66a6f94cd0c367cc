"""Says what the kernel of this machine does not confine, and stops where the user wants all of it."""

from __future__ import annotations

from harness.cli.output import remark
from harness.model.errors import GateUnavailable
from harness.system import landlock

__all__ = ["check_confinement"]


def check_confinement(required: bool) -> None:
    """Say in one line what lanes are not kept from by the kernel.

    Args:
        required: whether that ends the command.

    Raises:
        GateUnavailable: it does.
    """
    missing = landlock.missing()
    if not missing:
        return
    why = landlock.why_not() or f"Landlock ABI {landlock.abi()}, ABI {landlock.ABI_WANTED} has it"
    text = f"the kernel does not confine {', '.join(missing)} of the code under test: {why}"
    if required:
        raise GateUnavailable(f"--require-confinement: {text}; see `python -m harness doctor`")
    remark(text)
