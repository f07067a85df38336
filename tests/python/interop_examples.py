"""The examples in tests/interop: clients generated and compiled in build/interop, and run."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from .rpc_server import ROOT

IDL = ROOT / "cpp" / "service" / "loyalty.thrift"
SOURCES = ROOT / "tests" / "interop"
BUILD = ROOT / "build" / "interop"
JARS = [Path("/usr/share/java") / f"{name}.jar" for name in ("thrift", "slf4j-api", "slf4j-nop")]
DEBIAN_GOPATH = Path("/usr/share/gocode")
# What `make setup` installs comes before what else a developer may have.
TOOLS = os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", os.environ["PATH"]])


def run_example(
    language: str, port: int, token: str, ca_file: Path | None = None
) -> dict[str, str]:
    """What the example reports; if it saw anything that should not be, this fails and says so.

    `ca_file`: for TLS.
    """
    build, command = LANGUAGES[language]
    directory = BUILD / language
    _build_once(language, directory, build)
    env = os.environ | {"LOYALTY_TOKEN": token, "LOYALTY_CA_FILE": str(ca_file or "")}
    report: dict[str, str] = json.loads(
        _run(*command(directory), "127.0.0.1", str(port), env=env, within_s=60)
    )
    return report


def _build_once(language: str, directory: Path, build: Callable[[Path], None]) -> None:
    """Whoever comes first builds, unless nothing has changed since; others wait."""
    directory.mkdir(parents=True, exist_ok=True)
    sources = [IDL, Path(__file__), *sorted((SOURCES / language).iterdir())]
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    with (directory / "built").open("a+") as built:
        fcntl.flock(built, fcntl.LOCK_EX)
        built.seek(0)
        if built.read() != wanted:
            built.truncate(0)
            build(directory)
            built.write(wanted)


def _build_java(directory: Path) -> None:
    _generate("java:generated_annotations=suppress", directory / "gen")
    # A compiler that lives for seconds: making itself faster would take most of them.
    quick = "-J-XX:TieredStopAtLevel=1"
    source = SOURCES / "java" / "Example.java"
    _run(
        *(_tool("javac"), quick, "-encoding", "UTF-8", "-cp", _class_path()),
        *("-sourcepath", str(directory / "gen"), "-d", str(directory), str(source)),
    )


def _java(directory: Path) -> list[str]:
    return [_tool("java"), "-cp", f"{directory}:{_class_path()}", "Example"]


def _class_path() -> str:
    return ":".join(str(_needed(jar)) for jar in JARS)


def _build_go(directory: Path) -> None:
    _needed(DEBIAN_GOPATH / "src" / "github.com" / "apache" / "thrift")
    package = directory / "src" / "interop"
    _generate("go:skip_remote", package)
    shutil.copy(SOURCES / "go" / "main.go", package)
    # Debian's Go packages are found by GOPATH, not as modules. Nobody's own settings get in.
    env = {name: value for name, value in os.environ.items() if not name.startswith("GO")}
    env |= {"GO111MODULE": "off", "GOPATH": f"{directory}:{DEBIAN_GOPATH}"}
    env |= {"GOCACHE": str(directory / "cache")}
    _run(_tool("go"), "build", "-o", str(directory / "example"), "interop", env=env)


def _go(directory: Path) -> list[str]:
    return [str(directory / "example")]


def _build_node(directory: Path) -> None:
    _needed(directory / "node_modules" / "thrift")
    _generate("js:node,es6", directory / "gen")
    shutil.copy(SOURCES / "node" / "example.js", directory)


def _node(directory: Path) -> list[str]:
    return [_tool("node"), str(directory / "example.js")]


LANGUAGES = {
    "java": (_build_java, _java),
    "go": (_build_go, _go),
    "node": (_build_node, _node),
}


def _generate(generator: str, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    _run(_tool("thrift"), "--gen", generator, "-out", str(directory), str(IDL))


def _tool(name: str) -> str:
    return str(_needed(Path(shutil.which(name, path=TOOLS) or name)))


def _needed(path: Path) -> Path:
    if not path.exists():
        pytest.fail(f"there is no {path}: run `make setup`", pytrace=False)
    return path


def _run(*command: str, env: Mapping[str, str] | None = None, within_s: float = 240) -> str:
    """What it prints; fails with what it says on standard error."""
    ran = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", timeout=within_s)
    if ran.returncode != 0:
        pytest.fail(f"{' '.join(command)}: {ran.returncode}\n{ran.stdout}{ran.stderr}")
    return ran.stdout
