"""Charts as pictures, where Slack does not draw them itself: drawn here, uploaded, and waited for.

Every bar says what it counts and how often, so colour alone means nothing. A name that the font of Pillow cannot write
stands as its number; the words beside the picture have it.
https://docs.slack.dev/messaging/working-with-files
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient

from escalation.slack import charts, errors
from escalation.slack.calls import by_post
from escalation.slack.parts import Block

log = logging.getLogger("listener")

WAITS = (0.1, 0.2, 0.4, 0.8, 1.6)  # seconds until a file that was uploaded is looked at again
AGAIN = timedelta(days=1)  # Slack learns charts one workspace at a time: the refused are offered again after this

WIDTH, MARGIN, NAME, ROW, BAR, GAP = 1_200, 36, 300, 44, 30, 18  # pixels, for screens of twice the density
INK, PAPER = "#1d1c1d", "#ffffff"
COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # told apart by all (Okabe and Ito)
LAST_LETTER = "\u024f"  # of those the font has


class Dress:
    """Blocks as Slack takes them in this workspace. `native` is whether its own charts are tried at all."""

    def __init__(self, client: AsyncWebClient, clock: Callable[[], datetime], *, native: bool = True):
        self.client = client  # another one, once the app was installed again
        self._clock, self._native = clock, native
        self._refused: datetime | None = None  # when Slack's own charts were not taken
        self._said = ""  # why pictures cannot be had, as the log has it already

    async def ways(self, blocks: Iterable[Block]) -> AsyncIterator[list[Block]]:
        """The best first; whoever was refused takes the next. The last has no charts."""
        given = list(blocks)
        if charts.drawn(given):
            if self._native and not (self._refused and self._clock() - self._refused < AGAIN):
                yield given
                self._refused = self._clock()
            if shown := await self._pictured(given):
                yield shown
        yield charts.without(given)

    async def _pictured(self, blocks: list[Block]) -> list[Block] | None:
        """None when they cannot be uploaded: what they show stands in the text."""
        try:
            files = [await self._uploaded(chart) for chart in charts.drawn(blocks)]
        except (SlackApiError, SlackRequestError, *errors.UNREACHABLE) as why:
            self._log((isinstance(why, SlackApiError) and errors.code_of(why)) or type(why).__name__)
            return None
        left = iter(files)
        return [charts.pictured(block, next(left)) if block["type"] == charts.KIND else block for block in blocks]

    async def _uploaded(self, chart: Block) -> str:
        """Seen by nobody but where a message shows it. Its name says nothing, for names stand in addresses."""
        picture = await asyncio.to_thread(draw, chart)
        answer = await self.client.files_upload_v2(file=picture, filename="chart.png", title="chart")
        file = str(answer["files"][0]["id"])
        for wait in WAITS:  # it is taken in after it was taken
            info = await by_post(self.client, "files.info")(file=file)
            if info["file"].get("mimetype"):
                break
            await asyncio.sleep(wait)
        return file

    def _log(self, why: str) -> None:
        if why != self._said:
            log.warning("charts go without pictures: Slack does not take them (%s). %s", why, errors.MENDS.get(why, ""))
        self._said = why


class Dresses:
    """One for each workspace: each learns charts at its own time, and a file is seen in its own alone."""

    def __init__(self, clock: Callable[[], datetime], *, native: bool = True):
        self._clock, self._native = clock, native
        self._made: dict[str, Dress] = {}

    def of(self, team: str, client: AsyncWebClient) -> Dress:
        dress = self._made.setdefault(team, Dress(client, self._clock, native=self._native))
        dress.client = client
        return dress


def draw(chart: Block) -> bytes:
    """A chart block as a PNG: a group of bars for each category. Pure."""
    bars, title = charts.counted(chart), chart["title"]
    height = 2 * MARGIN + 2 * ROW + sum(len(each) * ROW + GAP for _, each in bars)
    picture = Image.new("RGB", (WIDTH, height), PAPER)
    pen = ImageDraw.Draw(picture)
    pen.text((MARGIN, MARGIN), title, fill=INK, font=_font(34))
    _bars(pen, bars, MARGIN + 2 * ROW)
    made = BytesIO()
    picture.save(made, "PNG", optimize=True)
    return made.getvalue()


def _bars(pen: ImageDraw.ImageDraw, bars: charts.Bars, top: int) -> None:
    most = max((count for _, each in bars for _, count in each), default=1)
    colours = dict(zip(dict.fromkeys(what for _, each in bars for what, _ in each), COLOURS, strict=False))
    room = WIDTH - 3 * MARGIN - 2 * NAME
    for place, (name, each) in enumerate(bars, 1):
        pen.text((MARGIN, top), _legible(name, place), fill=INK, font=_font(26))
        for what, count in each:
            end = 2 * MARGIN + NAME + max(4, room * count // most)
            pen.rectangle((2 * MARGIN + NAME, top, end, top + BAR), fill=colours[what])
            pen.text((end + 12, top), f"{count:,} {_legible(what, list(colours).index(what) + 1)}", INK, _font(26))
            top += ROW
        top += GAP


def _legible(name: str, place: int) -> str:
    return name if all(letter <= LAST_LETTER or letter == "…" for letter in name) else f"no. {place}"


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
