"""Addresses that strangers wrote: joined and taken apart without ever failing. Pure."""

from urllib.parse import urljoin, urlsplit

LONGEST = 4_000  # characters; no server takes more


def joined(base: str, address: str) -> str:
    """The address as seen from `base`; "" when it is none."""
    if len(address) > LONGEST:
        return ""
    if address.startswith(("https://", "http://")):
        return address
    try:
        return urljoin(base, address)
    except ValueError:
        return ""


def host_of(url: str) -> str:
    """The name of the host, in lower case; "" when there is none."""
    parts = url.split("/", 3)
    if len(parts) > 2 and parts[0] in ("https:", "http:") and not set("@:[").intersection(parts[2]):
        return parts[2].lower()  # the usual case, without taking the whole apart
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
