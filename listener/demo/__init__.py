"""The whole loop on invented data: a small world on loopback, heard by the real connectors, with no keys.

world.py   the blogs, served        data/    what people in it write, and the configuration
story.py   a story with a turned clock, checked as it is told        live.py   the same world at its own pace
"""

from listener.demo.live import live
from listener.demo.story import StoryBroken, play

__all__ = ["StoryBroken", "live", "play"]
