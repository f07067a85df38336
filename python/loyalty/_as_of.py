"""Questions about the past: as of an effective time, a recorded time or a sequence."""

from __future__ import annotations

from dataclasses import dataclass

from loyalty import _core
from loyalty._posting import integer
from loyalty._times import TimeLike, time_us
from loyalty.errors import InvalidInputError

_SEQUENCES = (1, 2**63 - 1)


@dataclass(frozen=True, slots=True)
class AsOf:
    """What a question about the past counts. At least one is needed; they combine.

    ``AsOf(effective_time=t, recorded_time=r)``: what was known at ``r`` of what had happened by
    ``t``. An entry about another one (a capture, a reversal, ...) counts only if that one does.

    Attributes
    ----------
    effective_time : datetime, date, numpy.datetime64 or int, optional
        What had happened by then, whenever it was recorded.
    recorded_time : datetime, date, numpy.datetime64 or int, optional
        What had been recorded by then. It must have passed.
    sequence : int, optional
        What was journaled up to and with that entry.

    Notes
    -----
    What has expired, or is pending or held, is told as of `effective_time`; without one, as of
    `recorded_time`; without both, as of the time at which `sequence` was recorded.

    Raises
    ------
    InvalidInputError
        None of them is given, or one is of the wrong type.
    """

    effective_time: TimeLike | None = None
    recorded_time: TimeLike | None = None
    sequence: int | None = None

    def __post_init__(self) -> None:
        if self.effective_time is None and self.recorded_time is None and self.sequence is None:
            raise InvalidInputError("AsOf needs an effective_time, a recorded_time or a sequence")
        self.numbers()

    def to_core(self) -> _core.AsOf:
        """Return the engine's form of it."""
        effective_us, recorded_us, sequence = self.numbers()
        return _core.AsOf(effective_us=effective_us, recorded_us=recorded_us, sequence=sequence)

    def numbers(self) -> tuple[int | None, int | None, int | None]:
        """Return the effective and the recorded time in microseconds, and the sequence."""
        effective, recorded, sequence = self.effective_time, self.recorded_time, self.sequence
        return (
            None if effective is None else time_us(effective, "effective_time"),
            None if recorded is None else time_us(recorded, "recorded_time"),
            None if sequence is None else integer(sequence, "sequence", _SEQUENCES),
        )


AsOfLike = AsOf | TimeLike


def as_of_of(as_of: AsOfLike | None) -> AsOf | None:
    """Return an ``as_of`` argument as an `AsOf`: a plain time is an effective time."""
    if as_of is None or isinstance(as_of, AsOf):
        return as_of
    return AsOf(effective_time=time_us(as_of, "as_of"))


def as_of_core(as_of: AsOfLike | None) -> _core.AsOf | None:
    """Return the engine's form of an ``as_of`` argument."""
    question = as_of_of(as_of)
    return None if question is None else question.to_core()
