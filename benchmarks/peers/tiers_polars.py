"""Tiers by Polars, from Parquet sorted by member: python -m benchmarks.peers.tiers_polars ..."""

from __future__ import annotations

import os

from benchmarks.peers.tiers_data import (
    AT_US,
    FROM_US,
    THRESHOLDS,
    Ask,
    Counts,
    arguments,
    measure,
    read_entries,
)


def main() -> None:
    """Load, ask, print."""
    options = arguments()
    os.environ["POLARS_MAX_THREADS"] = str(options.threads)  # read when it is imported
    import polars as pl

    entries, levels = options.work / "entries.parquet", options.work / "levels.parquet"

    def level() -> pl.Expr:
        earned = pl.col("earned").fill_null(0)
        reached = pl.lit(0, pl.UInt8)
        for least in THRESHOLDS:
            reached = reached + (earned >= least).cast(pl.UInt8)
        return reached

    # Debits as 0 instead of left out: of what was tried (see ../README.md), the quickest.
    def earned() -> pl.LazyFrame:
        in_time = pl.col("effective_us").is_between(FROM_US, AT_US, closed="right")
        gained = pl.when(pl.col("points") > 0).then("points").otherwise(0).cast(pl.Int64)
        members = pl.scan_parquet(entries).set_sorted("member").filter(in_time).group_by("member")
        return members.agg(gained.sum().alias("earned"))

    def load() -> None:
        frame = pl.DataFrame(read_entries(options.columns))
        frame.sort("member", "effective_us").write_parquet(entries, compression="lz4")
        everyone = pl.LazyFrame({"member": pl.arange(options.members, dtype=pl.UInt32, eager=True)})
        everyone.join(earned(), on="member", how="left").select(
            "member", level().alias("level")
        ).collect().sort("member").write_parquet(levels, compression="lz4")

    if not levels.exists():
        load()

    def open_anew() -> Ask:
        def ask() -> Counts:
            present = pl.scan_parquet(levels).set_sorted("member")
            found = present.join(earned(), on="member", how="left").select(
                "level", level().alias("after")
            )
            counted = found.group_by("level", "after").len().sort("level", "after")
            return [list(row) for row in counted.collect(engine="streaming").iter_rows()]

        return ask

    measure(options.work, open_anew, options.repeat)


if __name__ == "__main__":
    main()
