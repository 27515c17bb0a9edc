"""The demo."""


class StoryBroken(Exception):
    """What happened is not what the story tells."""


async def play(out: object) -> None: ...


async def live(out: object, stop: object, directory: object) -> None: ...
