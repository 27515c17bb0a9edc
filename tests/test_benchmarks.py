"""The report of `make bench`: every name in it can be run, and a limit that is not kept says so. No speed is asserted."""

from importlib import import_module
from inspect import signature

import pytest

from benchmarks import __main__ as report
from benchmarks.rows import Row


@pytest.mark.parametrize("name", report.ALL)
def test_every_benchmark_that_is_named_can_be_run(name: str) -> None:
    assert not signature(import_module(f"benchmarks.{name}").run).parameters


@pytest.mark.parametrize(
    ("ours", "rival", "limit", "at_most", "kept"),
    [
        (40, 100, 0.4, False, True),
        (39, 100, 0.4, False, False),
        (200, 100, 2, True, True),
        (201, 100, 2, True, False),
        (5, None, 5, True, True),
        (5.1, None, 5, True, False),
        (5, None, 5, False, True),
        (4.9, None, 5, False, False),
        (1, 0, 2, True, False),
        (900, 1, None, True, True),
        (900, None, None, True, True),
    ],
)
def test_a_limit_is_kept_up_to_the_figure_itself(
    ours: float, rival: float | None, limit: float | None, at_most: bool, kept: bool
) -> None:
    assert Row("a row", ours, rival, "ms", limit, at_most).passed is kept


def test_a_limit_that_is_not_kept_is_named_and_one_that_is_none_is_not_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Made:
        @staticmethod
        def run() -> list[Row]:
            return [
                Row("slow search", 9, None, "ms", 5),
                Row("quick look", 0.2, None, "ms", 1),
                Row("beside another", 3, 2, "ms"),
            ]

    monkeypatch.setattr(report, "import_module", lambda _: Made)
    report.main(["made"])
    told = capsys.readouterr().out
    assert "1 of 2 limits kept; not: slow search" in told
    assert told.count("NOT KEPT") == 1 and told.count("to compare") == 1
