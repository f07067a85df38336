"""The command line ``loyalty``: a thin shell around the package, for people and for batch jobs."""

from loyalty.cli.commands import app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line; the entry point ``loyalty``."""
    app(prog_name="loyalty")
