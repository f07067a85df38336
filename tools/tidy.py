"""Run clang-tidy on the sources under cpp/, leaving out those that it has already passed.

    tools/tidy.py BUILD_DIRECTORY

BUILD_DIRECTORY holds a finished Ninja build by Clang. A source is checked again only when it, a
header of ours that it includes, or the configuration has changed: Ninja's record of what each
object was made from says which, so a run after a small change takes seconds.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIDY = "clang-tidy-14"


def sources(build: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Yield each source under cpp/ with all files of ours that its object was made from."""
    listing = subprocess.run(
        ["ninja", "-C", build, "-t", "deps"], check=True, capture_output=True, text=True
    ).stdout
    for paragraph in listing.split("\n\n"):
        head, *names = paragraph.splitlines() or [""]
        paths = [(build / name.strip()).resolve() for name in names]
        if not head.endswith("(VALID)"):
            continue
        ours = [path for path in paths if path.is_relative_to(ROOT)]
        if ours and ours[0] == paths[0] and ours[0].is_relative_to(ROOT / "cpp"):
            yield ours[0], ours


def fingerprint(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in [ROOT / ".clang-tidy", *files]:
        digest.update(f"{path}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def check(build: Path, source: Path) -> tuple[Path, str]:
    """Return the source with what clang-tidy says of it: nothing when it passes."""
    done = subprocess.run(
        [TIDY, "--quiet", "-p", build, source], capture_output=True, text=True, check=False
    )
    return source, "" if done.returncode == 0 else done.stdout + done.stderr


def main() -> int:
    build = Path(sys.argv[1]).resolve()
    passed = build / "tidy-passed"
    passed.mkdir(exist_ok=True)
    keys = {source: fingerprint(files) for source, files in sources(build)}
    wanted = {source: key for source, key in keys.items() if not (passed / key).exists()}
    print(f"clang-tidy: {len(wanted)} of {len(keys)} sources to check", flush=True)

    failures = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for source, findings in pool.map(lambda source: check(build, source), wanted):
            if findings:
                failures += 1
                print(f"-- {source.relative_to(ROOT)}\n{findings}", flush=True)
            else:
                (passed / wanted[source]).touch()
    print(f"clang-tidy: {failures} sources with findings")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
