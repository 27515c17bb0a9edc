"""History of other tools comes in whatever dress it wears, row by row, twice for nothing, and wakes nobody."""

import json
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import configs
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from listener.cli import main
from listener.columns import FIELDS, Columns, Unreadable, day_first, guess, language, post_of, when
from listener.importing import ROWS_AT_ONCE, Imported, _batches, tried
from listener.sheets import Wish, listed, made_out

NOON = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
NONE = Columns(of={})


@pytest.fixture
def config(tmp_path: Path) -> Path:
    nothing = tmp_path / "nothing.jsonl"
    nothing.touch()
    return configs.write(tmp_path / "config", sources=f'[[source]]\nname = "n"\nkind = "replay"\nfile = "{nothing}"\n')


def listener(config: Path, *words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [words[0], "--config", str(config), *words[1:]])
    assert result.exit_code == code, result.output + result.stderr
    return result


def imported(config: Path, file: Path, *words: str, code: int = 0) -> dict[str, Any]:
    return json.loads(listener(config, "import", str(file), "--json", *words, code=code).stdout)  # type: ignore[no-any-return]


def found(config: Path) -> list[dict[str, Any]]:
    out = listener(config, "search", "source:import", "--json").stdout
    return [json.loads(line) for line in out.splitlines()]


# The dress of a file: each as some tool writes it, in words of our own

LISTENING = (
    'Report:,Acme\n"From:",2026-05-01\n\nQuery Name,Date,Title,Snippet,Url,Domain,Sentiment,Language,Author,Full Name,Full Text,Likes\n'
    'Acme,2026-05-04 12:30:00.0,Never again,"Acme Air, …",https://talk.example/1,talk.example,negative,en,mquill,Marta Quill,'
    '"Acme Air lost my bag.\nTwice, ""again""!","1,204"\n'
)
MONITOR = "Document ID\tDate\tHeadline\tURL\tHit Sentence\tInfluencer\tLanguage\n77\t04-May-2026 12:30 PM\tNever again\thttps://talk.example/1\tAcme Air lost my bag\tmquill\tEnglish\n"
SHEET = "Datum;Text;Link;Autor\n04.05.2026 12:30;Acme Air hört nicht zu – „nie“;https://talk.example/1;jörg\n"
STORE = "Package Name,Reviewer Language,Review Submit Date and Time,Star Rating,Review Title,Review Text,Review Link\nair.acme,en,2026-05-04T12:30:00Z,1,Bad,Acme Air logs me out,https://play.example/1\n"
POSTS = '{"id": 1, "text": "Acme Air is late", "user": {"screen_name": "mquill", "followers_count": 12}, "created_at": "Mon May 04 12:30:00 +0000 2026", "permalink": "https://talk.example/1"}\n'
BARS = "Date|Time|Content|Link|Source\n05/14/2026|8:30 AM|Acme Air is late|https://talk.example/1|forum.example\n"

DRESSES = {
    "preamble": (LISTENING.encode(), ",", "utf-8", "Acme Air lost my bag.\nTwice, \"again\"!", "mquill", NOON),
    "utf-16 tabs": (MONITOR.encode("utf-16"), "\t", "utf-16", "Acme Air lost my bag", "mquill", NOON),
    "semicolons, latin": (SHEET.encode("cp1252"), ";", "cp1252", "Acme Air hört nicht zu – „nie“", "jörg", NOON),
    "bom": (b"\xef\xbb\xbf" + STORE.encode(), ",", "utf-8-sig", "Acme Air logs me out", "", NOON),
    "store, utf-16": (STORE.encode("utf-16"), ",", "utf-16", "Acme Air logs me out", "", NOON),
    "json lines": (POSTS.encode(), "", "utf-8", "Acme Air is late", "mquill", NOON),
    "bars, split date": (BARS.encode(), "|", "utf-8", "Acme Air is late", "", datetime(2026, 5, 14, 8, 30, tzinfo=UTC)),
    "old line ends": (LISTENING.replace("\n", "\r").encode(), ",", "utf-8", "Acme Air lost my bag.\rTwice, \"again\"!", "mquill", NOON),
}  # fmt: skip
SAID = {"semicolons, latin": {"created": "Datum", "author": "Autor"}}


@pytest.mark.parametrize("name", DRESSES)
def test_the_exports_of_other_tools_are_made_out(name: str, tmp_path: Path) -> None:
    body, separator, encoding, text, author, created = DRESSES[name]
    (file := tmp_path / "export.csv").write_bytes(body)
    sheet = made_out(file, Wish(said=SAID.get(name, {})))
    assert sheet and (sheet.separator, sheet.encoding) == (separator, encoding)
    told, posts = _read(file, sheet)
    assert (told.rows, told.refused) == (1, [])
    assert (posts[0].text, posts[0].author.handle, posts[0].created) == (text, author, created)


def _read(file: Path, sheet: Any) -> tuple[Any, list[Any]]:
    told = Imported()
    with file.open("rb") as binary:
        return told, [post for batch in _batches(binary, sheet, told) for post in batch.values()]


def test_what_was_guessed_is_shown_and_can_be_said_otherwise(config: Path, tmp_path: Path) -> None:
    (file := tmp_path / "m.csv").write_text(
        "Text,Original,URL,Mood\nshort,Acme Air lost my bag,https://x.example/1,bad\n"
    )
    shown = listener(config, "import", str(file), "--dry-run").stdout
    assert 'text       from "Text"' in shown and "not used   Original, Mood" in shown
    assert "1 can be taken, 0 refused. Nothing was written." in shown
    told = imported(config, file, "--map", "text=original")
    assert (told["columns"]["text"], told["unused"], told["new"]) == ("Original", ["Text", "Mood"], 1)
    assert [row["text"] for row in found(config)] == ["Acme Air lost my bag"]


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("--map", "txt=Text"), '"txt" is not a field of ours', 1),
        (("--map", "text=Body"), 'there is no column "Body"; the file has "When", "Words"', 1),
        (("--map", "text"), "is not FIELD=COLUMN", 2),
        ((), 'no column looks like a text; the file has "When", "Words". Say which', 1),
        (("--timezone", "Mars/Olympus"), "is not a time zone", 2),
    ],
)
def test_a_wrong_word_is_answered_and_nothing_is_written(
    config: Path, tmp_path: Path, words: tuple[str, ...], said: str, code: int
) -> None:
    (file := tmp_path / "m.csv").write_text("When,Words\n2026-05-04,Acme Air lost my bag\n")
    assert said in listener(config, "import", str(file), *words, code=code).stderr
    assert not (config / "listener.db").exists()


def test_one_json_list_is_read_item_by_item(config: Path, tmp_path: Path) -> None:
    items = [{"id": n, "text": f"Acme Air is late {n}", "user": {"name": "x" * 300}} for n in range(1_000)]
    for name, told in (
        ("a", json.dumps(items)),
        ("b", json.dumps(items, indent=2)),
        ("c", "[\n" + ",\n".join(map(json.dumps, items))),
    ):
        (file := tmp_path / f"{name}.json").write_text(told)
        done = imported(config, file)
        assert (done["rows"] - done["refused_rows"], done["new"]) == (1_000, 1_000 if name == "a" else 0)
    assert done["refused"] == ["line 1001: the list breaks off, or is no JSON from here on"]


def test_what_is_no_object_in_a_list_is_named(config: Path, tmp_path: Path) -> None:
    deep = "[" * 5_000
    (file := tmp_path / "m.json").write_text(
        f'[{{"text": "Acme Air"}},\n7, "x",\n{{"text": ""}}, {{"a": {deep}\n{{"text": "Acme Air"}}]'
    )
    done = imported(config, file)
    assert (done["new"], [line.partition(":")[0] for line in done["refused"]]) == (
        1,
        ["line 2", "line 2", "line 3", "line 3"],
    )


@given(st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text() | st.lists(st.none(), max_size=2))), st.integers(1, 9), st.none() | st.just(1))  # fmt: skip
def test_a_list_is_its_items_wherever_it_is_cut(items: list[dict[str, Any]], chunk: int, indent: int | None) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("listener.sheets.CHUNK", chunk)
        assert [item for _, item in listed(StringIO(json.dumps(items, indent=indent)))] == items


def test_an_empty_file_is_no_mistake(config: Path, tmp_path: Path) -> None:
    for body in (b"", b"\n\n", b"\xef\xbb\xbf"):
        (file := tmp_path / "m.csv").write_bytes(body)
        assert imported(config, file)["rows"] == 0


# Rows


def test_each_bad_row_is_named_by_its_line_and_the_others_are_taken(config: Path, tmp_path: Path) -> None:
    (file := tmp_path / "m.csv").write_text(
        'Date,Text,URL\n2026-05-04,"Acme Air\nlost it",https://x.example/1\n'  # two lines
        "2026-05-04,,https://x.example/2\n"
        "yesterday,Acme Air is late,https://x.example/3\n"
        "2026-05-04,Acme Air, it is late,https://x.example/4\n"
        "\n2026-05-04,Acme Air again,https://x.example/5\n"
    )
    told = imported(config, file)
    assert (told["rows"], told["new"], told["refused_rows"]) == (5, 2, 3)
    assert told["refused"] == [
        "line 4: has no text",
        'line 5: the date "yesterday" is not understood',
        "line 6: has 4 cells, and the header 3; a quote is missing",
    ]


def test_a_quote_that_is_never_closed_is_named_where_it_was_opened(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("listener.sheets.LONGEST_CELL", 1_000)
    rows = "".join(f"Acme Air {number} is late,https://x.example/{number}\n" for number in range(200))
    (file := tmp_path / "m.csv").write_text(f'Text,URL\nAcme Air,https://x.example/a\n"Acme Air is late\n{rows}')
    told = imported(config, file)
    assert told["refused"][0].startswith("line 3: a quote is opened here and not closed; nothing up to line")
    assert told["new"] > 100


def test_bad_json_lines_are_named(config: Path, tmp_path: Path) -> None:
    deep = '{"a":' * 20_000
    (file := tmp_path / "m.jsonl").write_text(
        f'{{"text": "Acme Air is late"}}\nnot json\n\n[1]\n{deep}\n{{"title": null}}\n'
    )
    told = imported(config, file)
    assert (told["rows"], told["new"]) == (5, 1)
    assert [line.partition(":")[0] for line in told["refused"]] == ["line 2", "line 4", "line 5", "line 6"]


def test_nothing_that_can_be_read_is_a_failure(config: Path, tmp_path: Path) -> None:
    (file := tmp_path / "m.csv").write_text("Text,Date\nAcme Air,soon\nAcme Air,later\n")
    assert imported(config, file, code=1)["refused_rows"] == 2


def test_refusals_are_counted_to_the_end_and_the_first_are_named(config: Path, tmp_path: Path) -> None:
    (file := tmp_path / "m.csv").write_text("Text,Date\n" + "Acme Air,soon\n" * 300 + "Acme Air,2026-05-04\n")
    told = imported(config, file)
    assert (told["refused_rows"], len(told["refused"]), told["new"]) == (300, 100, 1)


def test_again_overlapping_and_under_another_name_doubles_nothing(config: Path, tmp_path: Path) -> None:
    rows = [f"{number},Acme Air is late for the {number}th time,mquill\n" for number in range(1_200)]
    (first := tmp_path / "may.csv").write_text("ID,Text,Author\n" + "".join(rows[:900]))
    (second := tmp_path / "may-june.csv").write_text("ID,Text,Author\n" + "".join(rows[600:]))
    assert imported(config, first)["new"] == 900 > ROWS_AT_ONCE
    assert imported(config, first)["new"] == 0
    assert imported(config, second)["new"] == 300
    assert json.loads(listener(config, "audit", "--json").stdout)["balanced"]


def test_the_small_numbers_of_two_tools_are_two_posts_and_an_edit_is_none(config: Path, tmp_path: Path) -> None:
    (one := tmp_path / "a.csv").write_text("ID,Text,Author,Date\n1,Acme Air is late,ann,2026-05-04\n")
    (two := tmp_path / "b.csv").write_text("ID,Text,Author,Date\n1,Acme Air lost my bag,ben,2026-05-05\n")
    (again := tmp_path / "c.csv").write_text("ID,Text,Author,Date\n1,Acme Air is very late,ann,2026-05-04\n")
    for file in (one, two, again):
        imported(config, file)
    assert sorted(row["text"] for row in found(config)) == ["Acme Air is very late", "Acme Air lost my bag"]


def test_the_past_wakes_nobody_however_bad_it_was(config: Path, tmp_path: Path) -> None:
    text = "The Acme Air charger caught fire and burned my hand"
    (file := tmp_path / "m.csv").write_text(
        "Text,URL\n" + "".join(f"{text} {n},https://x.example/{n}\n" for n in range(50))
    )
    imported(config, file)
    assert listener(config, "cases", "--json").stdout == ""
    assert listener(config, "once").stdout.count("Dana") == 0
    rows = found(config)
    assert {(row["priority"], row["reason"], row["case"]) for row in rows} == {("P1", "imported history", None)}


def test_what_was_erased_does_not_come_back(config: Path, tmp_path: Path) -> None:
    (file := tmp_path / "m.csv").write_text(
        "Text,URL,Author\nAcme Air,https://x.example/1,ann\nAcme Air,https://x.example/2,ben\n"
    )
    imported(config, file)
    listener(config, "erase", "--author", "ann", "--yes")
    assert imported(config, file)["new"] == 0
    assert [row["author"] for row in found(config)] == ["ben"]


def test_a_row_longer_than_the_sample_is_a_row(config: Path, tmp_path: Path) -> None:
    (file := tmp_path / "m.csv").write_text(f'Text,URL\n"Acme Air {"long " * 100_000}",https://x.example/1\n')
    assert imported(config, file)["new"] == 1


def test_a_name_that_is_listened_to_is_not_imported_into(config: Path, tmp_path: Path) -> None:
    (file := tmp_path / "m.csv").write_text("Text\nAcme Air\n")
    assert "choose another --source" in listener(config, "import", str(file), "--source", "n", code=1).stderr


# Dates


@pytest.mark.parametrize(
    "said",
    [
        "2026-05-04T12:30:00Z", "2026-05-04 12:30", "2026-05-04T14:30+02:00", "2026-05-04 12:30:00 UTC", "1777897800", "1777897800000",
        "Mon, 04 May 2026 12:30:00 GMT", "Mon May 04 12:30:00 +0000 2026", "4 May 2026, 12:30", "May 4, 2026 12:30 PM",
        "04-May-2026 12:30 PM", "04.05.2026 12:30", "2026/05/04 12:30", "5/4/2026 12:30", "05/04/26 12:30 PM", "2026-05-04 08:30 EDT",
    ],
)  # fmt: skip
def test_a_date_is_read_in_the_shapes_tools_write_it(said: str) -> None:
    assert when(said, NONE) == NOON


@pytest.mark.parametrize(
    "said", ["soon", "May 2026", "12:30", "4th", "2026", "05-04", "99/99/9999", "Monday", "0", "-1", "9" * 40]
)
def test_nothing_is_filled_in_where_a_date_has_a_hole(said: str) -> None:
    with pytest.raises(Unreadable, match="not understood"):
        when(said, NONE)


@given(st.text(max_size=40))
def test_any_text_is_a_date_or_is_refused(said: str) -> None:
    try:
        read = when(said, NONE)
    except Unreadable:
        return
    assert read is None or read.utcoffset() == timedelta()


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)), st.booleans())  # noqa: DTZ001
def test_the_same_day_comes_back_whichever_comes_first(moment: datetime, first: bool) -> None:
    moment = moment.replace(second=0, microsecond=0)
    shape = "%d/%m/%Y %H:%M" if first else "%m/%d/%Y %H:%M"
    assert when(f"{moment:{shape}}", Columns(of={}, day_first=first)) == moment.replace(tzinfo=UTC)


def test_the_order_of_day_and_month_is_learnt_asked_for_or_doubted(config: Path, tmp_path: Path) -> None:
    assert (day_first(["04/05/2026", "25/05/2026"]), day_first(["05/25/2026"]), day_first(["04/05/2026", ""])) == (
        True, False, None,
    )  # fmt: skip
    with pytest.raises(Unreadable, match="both day/month and month/day"):
        day_first(["25/05/2026", "05/25/2026"])
    (file := tmp_path / "m.csv").write_text("Text,Date\nAcme Air,04/05/2026\n")
    assert (
        '"04/05/2026" are read month first; --dates day-first'
        in listener(config, "import", str(file), "--dry-run").stdout
    )
    imported(config, file, "--dates", "day-first")
    assert found(config)[0]["created"].startswith("2026-05-04")


def test_a_date_without_a_zone_is_of_the_zone_that_was_said(config: Path, tmp_path: Path) -> None:
    assert when("2026-05-04 08:30", Columns(of={}, zone=ZoneInfo("America/Toronto"))) == NOON
    assert when("2026-05-04 12:30Z", Columns(of={}, zone=timezone(timedelta(hours=9)))) == NOON
    (file := tmp_path / "m.csv").write_text("Text,Date\nAcme Air,2026-05-04 08:30\n")
    imported(config, file, "--timezone", "America/Toronto")
    assert found(config)[0]["created"] == NOON.isoformat()


# Columns


def test_every_field_can_be_said_and_none_is_read_twice() -> None:
    columns = guess(["Description", "Title", "Comments", "Date", "Time"], {"replies": "comments"})
    assert columns.of == {
        "replies": "Comments",
        "text": "Description",
        "title": "Title",
        "created": "Date",
        "clock": "Time",
    }
    for ours in FIELDS:
        assert guess(["Words", "X"], {"text": "Words", ours: "X"} if ours != "text" else {"text": "X"}).of[ours] == "X"


@pytest.mark.parametrize(
    ("said", "tag"),
    [("English", "en"), ("en_US", "en-us"), ("pt-BR", "pt-br"), ("Klingon", ""), ("", ""), ("und", "und")],
)
def test_languages_are_tags(said: str, tag: str) -> None:
    assert language(said) == tag


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), st.text(max_size=80)))
def test_any_row_is_a_post_or_is_refused(row: dict[str, str]) -> None:
    columns = Columns(of={ours: ours for ours in FIELDS})
    try:
        post = post_of(row, columns, "import")
    except Unreadable:
        return
    assert post.text.strip() and post.id and post_of(row, columns, "import") == post


@given(st.binary(max_size=400))
def test_any_bytes_are_a_file_or_are_refused(body: bytes) -> None:
    with TemporaryDirectory() as there:
        (file := Path(there) / "x.csv").write_bytes(b"Text,Date\n" + body)
        try:
            sheet = made_out(file, Wish())
        except Unreadable:
            return
        assert sheet is not None
        tried(sheet)
