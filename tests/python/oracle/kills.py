"""A ledger in a process of its own that is killed at work, again and again, beside its model."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

from .driver import COMMON_KINDS, Life, noted
from .model import CannotFollow, Model
from .pair import Pair, same

IN_FLIGHT = 4
LONGEST_S = 0.06  # from the first acknowledgement to the kill
BATCH_MOST = 120

Command = tuple[str, tuple[Any, ...]]  # a method of `loyalty.Ledger`, and its arguments


class Child:
    """The other process, and what it has acknowledged."""

    def __init__(self, pair: Pair) -> None:
        script = Path(__file__).with_name("child.py")
        self._process = subprocess.Popen(
            [sys.executable, "-P", script, pair.path, json.dumps(pair.options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.outcomes: list[Any] = []
        self.at_work = Event()  # the first outcome is there
        self._reading = Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stdout:
            try:
                while True:
                    self.outcomes.append(pickle.load(stdout))
                    self.at_work.set()
            except (EOFError, pickle.UnpicklingError):  # an outcome may be cut off
                self.at_work.set()

    def send(self, command: Command) -> None:
        assert self._process.stdin is not None
        pickle.dump(command, self._process.stdin)
        self._process.stdin.flush()

    def kill(self) -> list[Any]:
        """Kill it (SIGKILL); return all that it had acknowledged."""
        same("whether the process runs", self._process.poll(), None)
        self._process.kill()
        self._process.wait()
        self._reading.join()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        return self.outcomes


def drive_kills(seed: int, kills: int) -> None:
    """Let a ledger be killed so often; between the kills, compare it with its model.

    Raises
    ------
    Mismatch
        What was acknowledged is not there, or what was not is there in part, or anything else that
        the two disagree about.
    """
    with tempfile.TemporaryDirectory() as directory:
        life = Life(seed, Path(directory) / "ledger")
        try:
            for number in range(kills):
                with noted(f"in kill {number} of drive_kills({seed}, {kills})"):
                    _live_and_die(life)
                    life.step(BATCH_MOST)
                    life.pair.compare_all(life.instants(2))
            life.finish()
        finally:
            life.pair.ledger.close()


def _live_and_die(life: Life) -> None:
    life.pair.ledger.close()
    sent, outcomes = _until_killed(life)
    life.pair.open()
    for number, command in enumerate(sent):
        if number < len(outcomes):
            _compare(outcomes[number], _answer(life.pair.model, command))
        else:
            _settle(life.pair, command)
    life.pair.compare_journal()


def _compare(acknowledged: object, expected: object) -> None:
    if isinstance(acknowledged, str) and isinstance(expected, str):  # why a programme is refused
        same("why the programme cannot follow", expected in acknowledged, True)
    else:
        same("what was acknowledged", acknowledged, expected)


def _until_killed(life: Life) -> tuple[list[Command], list[Any]]:
    """Give a new process work until it is killed; return the commands, and what it acknowledged."""
    child = Child(life.pair)
    sent: list[Command] = []
    end = float("inf")
    while time.monotonic() < end:
        if len(sent) - len(child.outcomes) < IN_FLIGHT:
            sent.append(_command(life))
            child.send(sent[-1])
        elif not child.at_work.wait(0.0005):
            continue
        if child.at_work.is_set() and end == float("inf"):
            end = time.monotonic() + life.choose.number(0, 1000) * LONGEST_S / 1000
    return sent, child.kill()


def _command(life: Life) -> Command:
    choose = life.choose
    if choose.chance(8):
        return "expire", (life.generator.time(choose),)
    if choose.chance(4):
        return "apply_program", (life.programs.program(choose),)
    kinds = [choose.one(COMMON_KINDS) for _ in range(choose.number(2, BATCH_MOST))]
    return "post", (life.generator.batch(choose, kinds),)


def _answer(model: Model, command: Command) -> Any:
    """Do a command to the model; return what the ledger must answer."""
    method, (argument,) = command
    if method == "post":
        return model.post_all(argument)
    if method == "expire":
        return model.expire(argument)
    try:
        return model.apply_program(argument.to_json())
    except CannotFollow as refusal:
        return str(refusal)


def _settle(pair: Pair, command: Command) -> None:
    """Find how far an unacknowledged command came, then do it again, to both.

    Each of its steps is a block of the journal: there whole or not at all.
    """
    there = pair.ledger.info().sequence
    for step in _steps(pair.model, command):
        if pair.model.sequence >= there:
            break
        step()
    method, (argument,) = command
    getattr(pair, method)(argument)


def _steps(model: Model, command: Command) -> Iterator[Callable[[], object]]:
    """What a command does to the model, block by block."""
    method, (argument,) = command
    if method == "post":
        yield lambda: model.intern_codes(argument)
        yield lambda: model.post_chains(argument)
    elif method == "expire":
        started = model.journal[-1:]  # so that it is there when it is to be finished
        yield lambda: started.append(model.start_run(argument))
        yield lambda: model.journal_due(argument)
        yield lambda: model.finish_run(started[-1])
    else:
        yield lambda: model.apply_program(argument.to_json())
