"""Configuration directories for tests: small, complete, and changed where a test says so."""

from pathlib import Path

FILES = {
    "listener.toml": 'database = "listener.db"\n',
    "brands.toml": '[[brand]]\nname = "Acme Air"\nquery = \'("acme air" OR @acmeair) NOT "acme hardware"\'\npolicy = "care"\n',
    "sources.toml": '[[source]]\nname = "blog"\nkind = "feed"\nurl = "https://blog.example/feed"\nevery = "10m"\n',
    "people.toml": """
[[person]]
name = "Dana Fox"
slack = "U0DANA"
timezone = "America/Toronto"
[[person]]
name = "Lee Park"
slack = "U0LEE"
[[person]]
name = "Sam Ortiz"
slack = "U0SAM"
[policy.care]
P1 = { acknowledge = "5m", report = "2h", ladder = ["Dana Fox", "Lee Park", "Sam Ortiz"] }
P2 = { acknowledge = "15m", report = "8h", ladder = ["Dana Fox", "Lee Park"] }
P3 = { acknowledge = "4h", report = "2d", ladder = ["Dana Fox"] }
""",
}


def write(directory: Path, **changed: str) -> Path:
    """`changed` replaces files: brands=… writes brands.toml."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (directory / name).write_text(changed.get(name.removesuffix(".toml"), text), "utf-8")
    if "triage" in changed:
        (directory / "triage.toml").write_text(changed["triage"], "utf-8")
    return directory
