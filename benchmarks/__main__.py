"""`make bench`, or `python -m benchmarks matching search`: prints every row, and which limits are not kept."""

import platform
import sqlite3
import sys
from importlib import import_module

from rich.console import Console
from rich.table import Table

from benchmarks.rows import Row

ALL = ("matching", "triage", "polling", "storage", "search", "looking")


def main(names: list[str]) -> None:
    out = Console(width=None if sys.stdout.isatty() else 120)
    out.print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.machine()}")
    rows: list[Row] = []
    for name in names or ALL:
        found: list[Row] = import_module(f"benchmarks.{name}").run()
        rows += found
        _show(out, name, found)
    missed = [row.name for row in rows if not row.passed]
    out.print(
        f"{len(rows) - len(missed)} of {len(rows)} limits kept" + (f"; not: {', '.join(missed)}" if missed else "")
    )


def _show(out: Console, name: str, rows: list[Row]) -> None:
    table = Table(name, "ours", "rival", "unit", "ratio", "limit", "", box=None, title_justify="left")
    for row in rows:
        sign = "≤" if row.at_most else "≥"
        kept = "kept" if row.passed else "NOT KEPT"
        table.add_row(
            row.name,
            f"{row.ours:,.3g}",
            f"{row.rival:,.3g}",
            row.unit,
            f"{row.ratio:.2f}",
            f"{sign} {row.limit:g}",
            kept,
        )
    out.print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
