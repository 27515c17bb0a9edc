"""One id from a post to everything that comes of it: in the log, on the way of a case, for whoever joins logs. Pure."""

from hashlib import blake2b


def trace_id(post: str) -> str:
    """Of a post's key ("source:id"): 32 hexadecimal digits, as W3C Trace Context has them.

    It is reckoned, not stored: every process on every host gives the same post the same, before and after a restart
    (https://www.w3.org/TR/trace-context/#trace-id).
    """
    return blake2b(post.encode("utf-8", "replace"), digest_size=16).hexdigest()
