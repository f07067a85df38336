"""`connect_async`: a ledger that a server has open, for asyncio."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from loyalty._ledger import Ledger, PathLike
from loyalty._posting import integer
from loyalty._remote import connect
from loyalty.program import Program


async def connect_async(
    address: str,
    *,
    token: str | None = None,
    ca_file: PathLike | None = None,
    certificate_file: PathLike | None = None,
    key_file: PathLike | None = None,
    timeout_ms: int = 30_000,
    calls_max: int = 16,
) -> AsyncLedger:
    """Connect as `connect` does; the methods of what comes are coroutines.

    Parameters
    ----------
    address, token, ca_file, certificate_file, key_file, timeout_ms
        As of `connect`.
    calls_max : int
        How many calls may be under way; more wait. Each has a thread and a connection.
    """
    threads = ThreadPoolExecutor(integer(calls_max, "calls_max", (1, 1024)), "loyalty")
    loop = asyncio.get_running_loop()
    call = functools.partial(
        connect,
        address,
        token=token,
        ca_file=ca_file,
        certificate_file=certificate_file,
        key_file=key_file,
        timeout_ms=timeout_ms,
    )
    try:
        return AsyncLedger(await loop.run_in_executor(threads, call), threads)
    except BaseException:
        threads.shutdown(wait=False)
        raise


class AsyncLedger:
    """A `Ledger` whose methods are coroutines; made by `connect_async`.

    ``await ledger.balance("ada")``, and so on; also ``await ledger.digest``, ``ledger.program`` and
    ``ledger.program_version``. A call that is cancelled goes on at the server, and so may post.
    """

    def __init__(self, ledger: Ledger, threads: ThreadPoolExecutor) -> None:
        self._ledger = ledger
        self._threads = threads

    @property
    def path(self) -> str:
        """The server's address."""
        return self._ledger.path

    @property
    def currencies(self) -> tuple[str, ...]:
        """The kinds of points, in the order of their definition."""
        return self._ledger.currencies

    @property
    def digest(self) -> Awaitable[str]:
        """As `Ledger.digest`."""
        return self._call(lambda ledger: ledger.digest)

    @property
    def program(self) -> Awaitable[Program]:
        """As `Ledger.program`."""
        return self._call(lambda ledger: ledger.program)

    @property
    def program_version(self) -> Awaitable[int]:
        """As `Ledger.program_version`."""
        return self._call(lambda ledger: ledger.program_version)

    async def _call(self, method: Callable[..., Any], *values: Any, **named: Any) -> Any:
        loop = asyncio.get_running_loop()
        call = functools.partial(method, self._ledger, *values, **named)
        return await loop.run_in_executor(self._threads, call)

    async def close(self) -> None:
        """End the connections, once the calls under way have ended."""
        await self._call(Ledger.close)
        self._threads.shutdown(wait=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]: ...


def _coroutine_of(method: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(method)
    async def call(self: AsyncLedger, *values: Any, **named: Any) -> Any:
        return await self._call(method, *values, **named)

    return call


for _name, _method in inspect.getmembers(Ledger, inspect.isfunction):
    if not _name.startswith("_") and not hasattr(AsyncLedger, _name):
        setattr(AsyncLedger, _name, _coroutine_of(_method))
