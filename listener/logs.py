"""The log: sentences for people, or a JSON object a line for machines. It quotes no post and names no secret."""

import json
import logging
from datetime import UTC, datetime

FORMS = ("text", "json")
_PLAIN = "%(asctime)s %(levelname)s %(message)s"


class JsonLines(logging.Formatter):
    """time, level, message, and what was given beside it as `extra={"facts": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


def start(form: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter(_PLAIN))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
