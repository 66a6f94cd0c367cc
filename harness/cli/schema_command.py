"""``schema``: JSON Schema of a scenario file or of results, and the same in words."""

from __future__ import annotations

import argparse
import json
from typing import Any

from harness.cli.output import emit
from harness.cli.status import OK

__all__ = ["main"]


def main(arguments: argparse.Namespace) -> int:
    """Print the schema as JSON, or in words as Markdown."""
    if arguments.extension:
        from harness.cli.extension_permission import load_named

        load_named(arguments.extension)
    if arguments.markdown:
        emit(_in_words(arguments.of).rstrip("\n"))
    else:
        emit(json.dumps(_schema(arguments.of), indent=1))
    return OK


def _in_words(of: str) -> str:
    if of == "results":
        from harness.report.results_reference import results_reference

        return results_reference()
    from harness.scenario.reference import reference

    return reference()


def _schema(of: str) -> dict[str, Any]:
    if of == "results":
        from harness.results.summary_schema import schema as of_results

        return of_results()
    from harness.scenario import schema as of_scenarios

    return of_scenarios()
