"""The layout that a machine can check: who includes whom, how long a file is, no stray blanks."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
THIS_FILE = Path(__file__).name

# The parts of the engine, and those that each may use. cpp/src/*/CMakeLists.txt says the same to
# the linker.
PARTS = {
    "base": set(),
    "storage": {"base"},
    "journal": {"base", "storage"},
    "ids": {"base", "storage", "journal"},
    "program": {"base"},
    "ledger": {"base", "storage", "journal", "ids", "program"},
    "history": {"base", "storage", "journal"},
    "tiers": {"base", "storage", "journal", "program", "ledger", "history"},
    "engine": {"base", "storage", "journal", "ids", "ledger", "history", "program", "tiers"},
}

# Where the headers of a library may be named: one part owns each, and tests and benchmarks may look
# under the hood. A change of library is then a change in one directory.
LIBRARY_HOMES = {
    "rocksdb/": ("cpp/src/storage/", "tests/cpp/", "benchmarks/cpp/"),
    "tbb/": ("cpp/src/tiers/",),
    "oneapi/": ("cpp/src/tiers/",),
    "thrift/": (
        "cpp/service/",
        "cpp/client/",
        "cpp/wire/tls.",
        "tests/cpp/service/",
        "benchmarks/cpp/",
    ),
    "pybind11/": ("cpp/bindings/",),
    "openssl/": ("cpp/src/base/", "cpp/wire/tls.cpp"),
    "xxhash.h": ("cpp/src/base/",),
    "nlohmann/": ("cpp/src/program/", "cpp/service/log.cpp"),
    "spdlog/": ("cpp/service/log.cpp",),
    "CLI/": ("cpp/service/options.cpp",),
    "prometheus/": ("cpp/service/metrics.",),
    "CivetServer.h": ("cpp/service/monitor.cpp",),
    "systemd/": ("cpp/service/main.cpp",),
    "toml++/": ("cpp/service/clients_file.cpp",),
    "cctz/": ("cpp/src/program/",),
}

LINES_MAX = 500
SOURCE_DIRECTORIES = ("cpp", "python", "tests", "benchmarks", "tools", "docs", "notebooks")
CODE_SUFFIXES = {".h", ".cpp", ".py", ".java", ".go", ".js"}
TEXT_SUFFIXES = CODE_SUFFIXES | {".md", ".txt", ".cmake", ".toml", ".json", ".pyi", ".sh"}
CMAKE_PART = re.compile(r"loyalty_part\((\w+)(?: USES ([\w ]+?))?(?: PRIVATE .*)?\)")
INCLUDE = re.compile(r'\s*#\s*include\s+(["<])([^">]+)[">]')


def files(suffixes: set[str], *directories: str) -> Iterator[Path]:
    for directory in directories:
        for path in sorted((ROOT / directory).rglob("*")):
            if path.is_file() and path.suffix in suffixes and "golden" not in path.parts:
                yield path


def lines(path: Path) -> Iterator[tuple[int, str]]:
    yield from enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)


def includes(*directories: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield (file, "file:line", bracket, header) of every #include under the directories."""
    for path in files({".h", ".cpp"}, *directories):
        name = path.relative_to(ROOT).as_posix()
        for number, line in lines(path):
            if match := INCLUDE.match(line):
                yield name, f"{name}:{number}", match[1], match[2]


def report(faults: list[str]) -> None:
    if faults:
        pytest.fail("\n".join(["", *faults]), pytrace=False)


def test_parts_include_only_the_parts_they_may_use() -> None:
    faults = []
    for name, place, _, header in includes("cpp/src"):
        part, target = name.split("/")[2], header.split("/")[0]
        if part not in PARTS:
            faults.append(f"{place}: the part {part} is new: add it to PARTS in {THIS_FILE}")
        elif target in PARTS and target != part and target not in PARTS[part]:
            allowed = ", ".join(sorted(PARTS[part])) or "no other part"
            faults.append(
                f"{place}: {part} must not include {header}: it may use {allowed}. "
                "Move what is shared to a part that both use, or pass it in"
            )
    report(faults)


def test_cmake_links_each_part_to_the_parts_it_may_use() -> None:
    faults = []
    for part, allowed in PARTS.items():
        name = f"cpp/src/{part}/CMakeLists.txt"
        match = CMAKE_PART.search((ROOT / name).read_text(encoding="utf-8"))
        used = set((match[2] or "").split()) if match and match[1] == part else None
        if used != allowed:
            faults.append(
                f"{name}: PARTS in {THIS_FILE} allows {sorted(allowed)}, but the file says "
                f"{match[0] if match else 'nothing'}: make them agree"
            )
    report(faults)


def test_public_headers_include_only_the_standard_library_and_each_other() -> None:
    faults = []
    for _, place, bracket, header in includes("cpp/include"):
        ours, standard = header.startswith("loyalty/"), re.fullmatch(r"\w+", header)
        if not (ours if bracket == '"' else standard):
            faults.append(
                f"{place}: a public header must not include {header}: callers would have to find "
                "it too. Declare the type, and include it in the .cpp"
            )
    report(faults)


# What is around the engine, and what each may use beside the public headers.
AROUND = {"bindings": (), "wire": ("wire/",), "service": ("wire/",), "client": ("wire/",)}


def test_what_is_around_the_engine_uses_only_the_public_headers() -> None:
    faults = []
    for name, place, bracket, header in includes(*(f"cpp/{part}" for part in AROUND)):
        beside = (ROOT / name).parent / header
        allowed = ("loyalty/", *AROUND[name.split("/")[1]])
        if bracket == '"' and not header.startswith(allowed) and not beside.is_file():
            faults.append(
                f"{place}: {header} is inside the engine: use cpp/include/loyalty, "
                "or add there what is missing"
            )
    report(faults)


def test_libraries_are_named_only_in_their_homes() -> None:
    report(
        [
            f"{place}: {header} may be included only in {', '.join(homes)}: "
            "go through the part that owns it"
            for name, place, _, header in includes("cpp", "tests", "benchmarks")
            for library, homes in LIBRARY_HOMES.items()
            if header.startswith(library) and not name.startswith(homes)
        ]
    )


def test_no_source_file_is_longer_than_a_sitting() -> None:
    faults = []
    for path in files(CODE_SUFFIXES, *SOURCE_DIRECTORIES):
        count = sum(1 for _ in lines(path))
        if count > LINES_MAX:
            faults.append(
                f"{path.relative_to(ROOT)}:{LINES_MAX}: {count} lines, more than {LINES_MAX}: "
                "split it by what changes together"
            )
    report(faults)


def test_no_trailing_whitespace() -> None:
    at_root = [path for path in ROOT.iterdir() if path.suffix in TEXT_SUFFIXES]
    report(
        [
            f"{path.relative_to(ROOT)}:{number}: trailing whitespace: remove it"
            for path in [*files(TEXT_SUFFIXES, *SOURCE_DIRECTORIES), *at_root]
            for number, line in lines(path)
            if line != line.rstrip()
        ]
    )
