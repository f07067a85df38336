"""deploy/ fits the server that there is."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from .rpc_monitor import Watched, free_port
from .rpc_server import IDL, LOYALTYD, ROOT, post, posting, serve

DEPLOY = ROOT / "deploy"


def test_dashboards_and_alerts_ask_for_what_there_is(ledger_path: Path) -> None:
    port = free_port()
    with (
        serve(ledger_path, "--http-listen", f"127.0.0.1:{port}") as server,
        server.client() as client,
    ):
        post(client, posting("EARN", "ada", points=1, effective_us=1_714_564_800_000_000))
        known = set(Watched(port).metrics())
    dashboard = json.loads((DEPLOY / "grafana" / "loyaltyd.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += re.findall(r"expr: (.*)", (DEPLOY / "alerts.yml").read_text())
    names = {name for query in asked for name in re.findall(r"\b(?:loyalty|process)\w+", query)}
    assert len(asked) > 20
    assert names - {"loyaltyd"} <= known
    labels = {label for query in asked for label in re.findall(r'call="(\w+)"', query)}
    assert labels == {"balances", "post"}


def test_the_sample_configuration_is_one(ledger_path: Path) -> None:
    options = ["--config", str(DEPLOY / "loyaltyd.toml"), "--http-listen", "127.0.0.1:0"]
    options += ["--clients", str(DEPLOY / "clients.toml")]
    guess = IDL.DigestRequest(head=IDL.RequestHead(token="guess"))
    with (
        serve(ledger_path, *options) as server,
        server.client() as client,
        pytest.raises(IDL.Unauthenticated),
    ):
        client.digest(guess)


def test_the_container_has_the_libraries_of_the_server() -> None:
    dynamic = subprocess.run(
        ["readelf", "-d", LOYALTYD], capture_output=True, text=True, check=True
    ).stdout
    libraries = re.findall(r"\(NEEDED\).*\[(lib(?!c\.|gcc_s|stdc).*)\]", dynamic)
    assert "librocksdb.so.7.8" in libraries
    owners = subprocess.run(
        ["dpkg", "-S", *(f"*/{library}" for library in libraries)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    needed = {line.split(":")[0] for line in owners.splitlines()}
    last_stage = (DEPLOY / "Dockerfile").read_text().split("FROM debian:12-slim")[1]
    assert needed <= set(last_stage.split())
