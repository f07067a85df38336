"""``python -m loyalty.cli``: the command line without its script on the path."""

from loyalty.cli import main

main()
