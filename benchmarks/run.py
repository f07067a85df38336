"""Run the benchmarks: `python benchmarks/run.py [--quick] [--only NAME ...]`, see README.md."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from benchmarks.harness.main import main

    sys.exit(main())
