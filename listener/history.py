"""History in and out: files of other tools, spreadsheets, and what other rules would have made of the past."""

import csv
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import batched
from pathlib import Path
from typing import Any, TextIO

from connectors.post import Author, Post, PostKind
from listener.settings import Settings
from listener.storage.contract import Batch, Heard, MentionRow, Store
from listener.triage import BrandTarget, Rules, assess
from listener.weigh import scales, weigh
