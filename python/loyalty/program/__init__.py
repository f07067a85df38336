"""The loyalty programme: a document in TOML, checked here, and normalised for the ledger.

The document is described in docs/programme.md.
"""

from loyalty.program.program import Program

__all__ = ["Program"]
