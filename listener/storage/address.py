"""What `database = …` may name: a file, or a PostgreSQL server. Pure."""

import re

SERVER = ("postgresql://", "postgres://")


def is_server(database: str) -> bool:
    return database.startswith(SERVER)


def shown(database: str) -> str:
    """Without a password."""
    return re.sub(r"(//[^/@:]*):[^/]*@", r"\1@", re.sub(r"(password=)[^&\s]*", r"\1…", database))
