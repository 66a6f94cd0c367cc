"""``schema``: JSON Schema of a scenario file."""

from __future__ import annotations

import argparse
import json

from harness.cli.output import emit
from harness.cli.status import OK
from harness.scenario import schema

__all__ = ["main"]


def main(arguments: argparse.Namespace) -> int:
    """Print the schema."""
    emit(json.dumps(schema(), indent=1))
    return OK
