"""The systems that the ledger is compared with, each started in a directory of its own."""
