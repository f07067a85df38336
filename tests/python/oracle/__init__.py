"""What a ledger must answer, worked out the slow and plain way.

`account` and `model` are the rules of docs/semantics.md as Python that can be run; they share no
code with the engine. `generator` makes postings of all kinds, `driver` sends them to both and
compares what comes back.
"""
