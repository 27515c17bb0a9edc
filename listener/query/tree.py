"""The shape of a query. Pure data; texts are folded."""

from dataclasses import dataclass
from typing import Union


@dataclass(frozen=True, slots=True)
class Word:
    """A word or a phrase as it must stand in the text; with `prefix` its last word may go on."""

    text: str
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Near:
    """Both, in any order, with at most `distance` words between them."""

    left: "Node"
    right: "Node"
    distance: int


@dataclass(frozen=True, slots=True)
class Field:
    """A condition on something other than the text: `name` `op` `value`, op one of : >= <= > < =."""

    name: str
    op: str
    value: str


@dataclass(frozen=True, slots=True)
class And:
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    item: "Node"


Node = Union[Word, Near, Field, And, Or, Not]  # noqa: UP007 - the classes above name it before it exists
