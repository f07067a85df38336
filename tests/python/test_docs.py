"""What the documents point at is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted(ROOT.glob("docs/*.md")),
    ROOT / "benchmarks/README.md",
]
TEST = re.compile(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", re.MULTILINE)
NAMED_TEST = re.compile(r"`(\w+)\.([A-Z]\w+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED_PATH = re.compile(r"`((?:docs|cpp|python|tests|benchmarks|tools|\.ci)/[\w./-]+)`")
PLACEHOLDER = re.compile(r"(?:NAME|PART)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def prose(document: Path) -> Iterator[tuple[str, str]]:
    """Yield ("file:line", line) outside of code blocks."""
    text = document.read_text(encoding="utf-8")
    text = FENCED.sub(lambda block: "\n" * block[0].count("\n"), text)
    for number, line in enumerate(text.splitlines(), start=1):
        yield f"{document.relative_to(ROOT)}:{number}", line


def anchors(document: Path) -> set[str]:
    """The targets that headings make: as GitHub does it."""
    headings = [line.lstrip("#") for _, line in prose(document) if line.startswith("#")]
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


def report(faults: list[str]) -> None:
    if faults:
        pytest.fail("\n".join(["", *faults]), pytrace=False)


def test_tests_that_semantics_names_exist() -> None:
    tests = {
        f"{suite}.{name}"
        for path in ROOT.glob("tests/cpp/**/*_test.cpp")
        for suite, name in TEST.findall(path.read_text(encoding="utf-8"))
    }
    named = [
        (place, f"{suite}.{name}")
        for place, line in prose(ROOT / "docs/semantics.md")
        for suite, name in NAMED_TEST.findall(line)
    ]
    assert len(named) > 15
    report(
        [
            f"{place}: there is no test {name} in tests/cpp: name the one that shows this rule"
            for place, name in named
            if name not in tests
        ]
    )


def test_relative_links_lead_somewhere() -> None:
    faults = []
    for document in DOCUMENTS:
        for place, line in prose(document):
            for link in LINK.findall(line):
                if re.match(r"[a-z]+:", link):
                    continue
                name, _, anchor = link.partition("#")
                target = (document.parent / name).resolve() if name else document
                if not target.exists():
                    faults.append(f"{place}: {link} leads nowhere")
                elif anchor and anchor not in anchors(target):
                    faults.append(f"{place}: {target.name} has no heading for #{anchor}")
    report(faults)


def test_paths_that_documents_name_exist() -> None:
    report(
        [
            f"{place}: there is no {name}"
            for document in DOCUMENTS
            for place, line in prose(document)
            for name in NAMED_PATH.findall(line)
            if not any((base / name).exists() for base in (ROOT, document.parent))
            and not PLACEHOLDER.search(name)
        ]
    )
