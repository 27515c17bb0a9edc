"""The whole loop on invented data: a small world on loopback, heard by the real connectors, with no keys.

world.py    three blogs, served            pages.py     how they look to a reader
config.py   an ordinary configuration      data/        what people write, and the configuration's tables
story.py    a story with a turned clock    telling.py   how it is checked and told       live.py    at its own pace
"""

from listener.demo.live import live
from listener.demo.story import StoryBroken, play

__all__ = ["StoryBroken", "live", "play"]
