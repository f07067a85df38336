"""An exact, durable ledger of loyalty points.

>>> import loyalty
>>> with loyalty.create("/tmp/demo-ledger") as ledger:
...     ledger.open_member("ada")
...     ledger.earn("ada", 500, rule="welcome")
...     ledger.balance("ada").active
500

`Ledger.post` takes whole frames: NumPy, pandas, Polars, Arrow. Every `Table` that comes back goes
into any of them.
"""

from importlib.metadata import PackageNotFoundError, version

from loyalty._as_of import AsOf
from loyalty._async import AsyncLedger, connect_async
from loyalty._core import NEVER_US as NEVER
from loyalty._core import NO_CEILING, Kind, PostingStatus
from loyalty._explain import Explanation
from loyalty._ids import new_id, new_ids
from loyalty._ledger import Ledger, create, open  # noqa: A004 - as gzip.open
from loyalty._posting import Posting
from loyalty._remote import connect
from loyalty._reports import Balance, Info, VerifyReport
from loyalty._result import PostResult, Reply
from loyalty._table import Table
from loyalty._tiers import Need, TierProgress, TierRun
from loyalty.errors import (
    AlreadyExistsError,
    ClosedError,
    CorruptionError,
    ForbiddenError,
    InternalError,
    InvalidInputError,
    IoError,
    LedgerBusyError,
    LoyaltyError,
    MemberNotFoundError,
    NoSpaceError,
    NotFoundError,
    PostingRefusedError,
    PostInterrupted,
    ReadOnlyError,
    StoppedError,
    UnauthenticatedError,
    UnavailableError,
    UnsupportedError,
    UnsupportedFormatError,
)
from loyalty.program import Program

try:
    __version__ = version("loyalty-ledger")
except PackageNotFoundError:  # imported from a source tree
    __version__ = "0.0.0"

__all__ = [
    "NEVER",
    "NO_CEILING",
    "AlreadyExistsError",
    "AsOf",
    "AsyncLedger",
    "Balance",
    "ClosedError",
    "CorruptionError",
    "Explanation",
    "ForbiddenError",
    "Info",
    "InternalError",
    "InvalidInputError",
    "IoError",
    "Kind",
    "Ledger",
    "LedgerBusyError",
    "LoyaltyError",
    "MemberNotFoundError",
    "Need",
    "NoSpaceError",
    "NotFoundError",
    "PostInterrupted",
    "PostResult",
    "Posting",
    "PostingRefusedError",
    "PostingStatus",
    "Program",
    "ReadOnlyError",
    "Reply",
    "StoppedError",
    "Table",
    "TierProgress",
    "TierRun",
    "UnauthenticatedError",
    "UnavailableError",
    "UnsupportedError",
    "UnsupportedFormatError",
    "VerifyReport",
    "connect",
    "connect_async",
    "create",
    "new_id",
    "new_ids",
    "open",
]
