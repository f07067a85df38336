"""What chooses at random."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Chooser(Protocol):
    """What chooses: a random generator, or Hypothesis."""

    def number(self, least: int, most: int) -> int: ...
    def one(self, options: Sequence[T]) -> T: ...
    def chance(self, percent: int) -> bool: ...


class RandomChooser:
    """Chooses at random, always the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def number(self, least: int, most: int) -> int:
        return least + int(self._random.random() * (most - least + 1))

    def one(self, options: Sequence[T]) -> T:
        return options[int(self._random.random() * len(options))]

    def chance(self, percent: int) -> bool:
        return self._random.random() * 100 < percent
