"""Ladders worked out a second and a third time: set-wise, in DuckDB's SQL and in Polars.

`generator` makes postings and `course` lets a ledger have them, run by run. What was posted, as a
table, goes to two engines (`duckdb_engine`, `polars_engine`), each with its own account of what
counts (`*_facts`) and of the calendar (`*_calendar`). They read as docs/tiers.md does and share no
code with the ledger, nor with one another, but for the programme's tables (`plan`).
"""
