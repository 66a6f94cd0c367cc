"""``schema``: JSON Schema of a scenario file, and the same in words."""

from __future__ import annotations

import argparse
import json

from harness.cli.output import emit
from harness.cli.status import OK
from harness.scenario import schema

__all__ = ["main"]


def main(arguments: argparse.Namespace) -> int:
    """Print the schema as JSON, or in words as Markdown."""
    if arguments.markdown:
        from harness.scenario.reference import reference

        emit(reference().rstrip("\n"))
        return OK
    emit(json.dumps(schema(), indent=1))
    return OK
