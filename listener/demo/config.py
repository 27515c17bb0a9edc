"""An ordinary configuration for the demo's world, written to a directory and read like any other."""

from importlib.resources import files
from pathlib import Path

QUICK = {"P1": ("20s", "60s"), "P2": ("40s", "2m"), "P3": ("60s", "4m")}  # acknowledge, report
AS_IN_LIFE = {"P1": ("5m", "2h"), "P2": ("15m", "8h"), "P3": ("4h", "2d")}


def write(directory: Path, world: str, *, clocks: dict[str, tuple[str, str]], channel: str = "") -> None:
    """`world` is the address the blogs are served at."""
    host = world.removeprefix("http://")
    slack = f'[slack]\nchannel = "{channel}"\n' if channel else ""
    (directory / "listener.toml").write_text(
        f'database = "listener.db"\n\n[http]\nallow_private = ["{host}"]\n\n{slack}', "utf-8"
    )
    (directory / "brands.toml").write_text(_BRANDS, "utf-8")
    (directory / "sources.toml").write_text(_SOURCES.format(world=world), "utf-8")
    rows = "\n".join(
        f'{priority} = {{ acknowledge = "{acknowledge}", report = "{report}", ladder = {_LADDER} }}'
        for priority, (acknowledge, report) in clocks.items()
    )
    (directory / "people.toml").write_text(f"{_PEOPLE}{rows}\n", "utf-8")
    for name in ("x.jsonl", "reddit.jsonl"):
        recorded = files("listener.demo").joinpath("data", name).read_text("utf-8")
        (directory / name).write_text(recorded, "utf-8")


_LADDER = '["Dana Fox", "Lee Park", "Sam Ortiz"]'

_BRANDS = """\
[[brand]]
name = "Acme Air"
query = '("acme air" OR @acmeair) NOT "acme hardware"'
policy = "care"

[[brand]]
name = "Larkspur"
query = 'larkspur'
policy = "care"
"""

_SOURCES = """\
[[source]]
name = "wander-notes"
kind = "feed"
url = "{world}/wander/feed.xml"
every = "5s"

[[source]]
name = "gadget-bench"
kind = "feed"
url = "{world}/gadget/feed.xml"
every = "5s"

[[source]]
name = "fare-ledger"
kind = "feed"
url = "{world}/ledger/feed.json"
every = "5s"

[[source]]
name = "x-recorded"
kind = "replay"
file = "x.jsonl"
every = "5s"

[[source]]
name = "reddit-recorded"
kind = "replay"
file = "reddit.jsonl"
every = "5s"
"""

_PEOPLE = """\
[[person]]
name = "Dana Fox"
timezone = "America/Toronto"

[[person]]
name = "Lee Park"
timezone = "Europe/Lisbon"

[[person]]
name = "Sam Ortiz"
timezone = "America/Mexico_City"

[policy.care]
"""
