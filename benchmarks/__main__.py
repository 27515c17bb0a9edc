"""`make bench`, or `python -m benchmarks matching search`: prints every row, and which limits are not kept.

`postgres` has to be named: it starts a server of its own, which is not everywhere."""

import platform
import sqlite3
import sys
from importlib import import_module

from rich.console import Console
from rich.table import Table

from benchmarks.rows import Row

ALL = (
    "hearing",
    "matching",
    "triage",
    "polling",
    "firehose",
    "storage",
    "growth",
    "search",
    "looking",
    "slack",
    "whole",
    "desk",
)


def main(names: list[str]) -> None:
    out = Console(width=None if sys.stdout.isatty() else 120)
    out.print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.machine()}")
    rows: list[Row] = []
    for name in names or ALL:
        found: list[Row] = import_module(f"benchmarks.{name}").run()
        rows += found
        _show(out, name, found)
    limits = [row for row in rows if row.limit is not None]
    missed = [row.name for row in limits if not row.passed]
    out.print(
        f"{len(limits) - len(missed)} of {len(limits)} limits kept" + (f"; not: {'; '.join(missed)}" if missed else "")
    )


def _show(out: Console, name: str, rows: list[Row]) -> None:
    table = Table(name, "ours", "rival", "unit", "ratio", "limit", "", box=None, title_justify="left")
    for row in rows:
        rival = "" if row.rival is None else f"{row.rival:,.3g}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        table.add_row(row.name, f"{row.ours:,.3g}", rival, row.unit, ratio, *_limit(row))
    out.print(table)


def _limit(row: Row) -> tuple[str, str]:
    if row.limit is None:
        return "", "to compare"
    return f"{'≤' if row.at_most else '≥'} {row.limit:.3g}", "kept" if row.passed else "NOT KEPT"


if __name__ == "__main__":
    main(sys.argv[1:])
