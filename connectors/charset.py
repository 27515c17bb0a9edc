"""Bytes -> text, whatever charset they claim to be in. Pure."""

import re

_DECLARED = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._-]+)", re.IGNORECASE)
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def decode(body: bytes, content_type: str) -> str:
    """UTF-8 when it is UTF-8, whatever is claimed; then what the document says, then the server, then Windows-1252."""
    for mark, name in _MARKS:
        if body.startswith(mark):
            return body.decode(name, "replace")
    declared, served = _DECLARED.search(body[:500]), _CHARSET.search(content_type)
    claims = [declared[1].decode("ascii") if declared else "", served[1] if served else ""]
    for claim in ["utf-8", *claims]:
        try:
            if claim:
                return body.decode(claim)
        except (LookupError, UnicodeDecodeError):
            continue
    return body.decode("cp1252", "replace")
