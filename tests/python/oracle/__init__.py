"""What a ledger must answer, worked out the slow and plain way.

The rules of docs/semantics.md as Python that can be run, which shares no code with the engine:
`account` (one member's points of one currency), `program` and `wall_time` (docs/programme.md),
`posting` (what is malformed), `rules`, `reversal`, `transfer` and `pool` (what each kind does),
`levels` (those that are given), `linked` (all or none), `model` (the ledger) and `report` (what its
runs say). `generator` and `programs` make postings and programmes of all kinds. `pair` does to
ledger and model what `driver` (a long life), `kills` (a process killed at work) and `history` with
`replay` (many threads) tell it, and compares what comes back.
"""
