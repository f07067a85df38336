"""TLS: who may connect to whom, with certificates made for each run."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner

import loyalty
from loyalty.cli import app

from .pki import Pki
from .rpc_server import LOYALTYD, SHORT_REQUEST, Server, send_on, serve

SHORT_MS = 1_500
IN_2023 = {
    "not_before": dt.datetime(2023, 1, 1, tzinfo=dt.UTC),
    "not_after": dt.datetime(2023, 12, 31, tzinfo=dt.UTC),
}
IN_2100 = {
    "not_before": dt.datetime(2100, 1, 1, tzinfo=dt.UTC),
    "not_after": dt.datetime(2100, 12, 31, tzinfo=dt.UTC),
}


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"), "ours")


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("strangers"), "theirs")


@pytest.fixture
def server(ledger_path: Path, pki: Pki) -> Iterator[Server]:
    certificate = str(pki.issue("127.0.0.1", "localhost"))
    with serve(ledger_path, "--tls-certificate", certificate, "--transfer-timeout-s", "2") as it:
        yield it


@pytest.fixture
def strict(ledger_path: Path, pki: Pki) -> Iterator[Server]:
    """It asks for certificates."""
    certificate = str(pki.issue("127.0.0.1"))
    options = ["--tls-certificate", certificate, "--tls-client-ca", str(pki.ca_file)]
    with serve(ledger_path, *options) as it:
        yield it


def address_of(server: Server, host: str = "127.0.0.1") -> str:
    return f"loyaltys://{host}:{server.port}"


def is_well(server: Server, pki: Pki) -> bool:
    with loyalty.connect(address_of(server), ca_file=pki.ca_file) as ledger:
        return ledger.balance("ada") is not None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_post_and_read(server: Server, pki: Pki, host: str) -> None:
    with loyalty.connect(address_of(server, host), ca_file=pki.ca_file) as ledger:
        ledger.earn("ada", 500)
        assert ledger.balance("ada").active == 500
        many = ledger.balances(["ada", "bob"] * 4_000)  # more than a record of TLS holds
        assert many.to_arrow()["active"].to_pylist() == [500, 0] * 4_000


def test_from_coroutines(server: Server, pki: Pki) -> None:
    async def ask() -> int:
        address = address_of(server)
        async with await loyalty.connect_async(address, ca_file=pki.ca_file) as ledger:
            balance = await ledger.balance("ada")
            return int(balance.active)

    assert asyncio.run(ask()) == 0


def test_from_the_command_line(server: Server, pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_CA_FILE", str(pki.ca_file))
    result = CliRunner().invoke(app, ["balance", address_of(server), "ada", "--json"])
    assert result.exit_code == 0, result.output
    assert '"active": 0' in result.output


def test_whom_the_system_trusts(
    server: Server, pki: Pki, strangers: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pki.ca_file))
    with loyalty.connect(address_of(server)) as ledger:
        assert ledger.balance("ada").active == 0
    monkeypatch.setenv("SSL_CERT_FILE", str(strangers.ca_file))
    with pytest.raises(loyalty.UnauthenticatedError):
        loyalty.connect(address_of(server))


def test_a_server_of_another_authority(server: Server, strangers: Pki) -> None:
    with pytest.raises(loyalty.UnauthenticatedError, match=r"certificate: .*issuer"):
        loyalty.connect(address_of(server), ca_file=strangers.ca_file)


@pytest.mark.parametrize(
    ("hosts", "validity", "why"),
    [
        (["ledger.example"], {}, "not of 127.0.0.1"),
        (["127.0.0.2"], {}, "not of 127.0.0.1"),
        (["127.0.0.1"], IN_2023, "expired"),
        (["127.0.0.1"], IN_2100, "not yet valid"),
    ],
)
def test_a_bad_certificate_of_the_server_is_told_at_once(
    ledger_path: Path, pki: Pki, hosts: list[str], validity: dict[str, Any], why: str
) -> None:
    certificate = str(pki.issue(*hosts, **validity))
    with serve(ledger_path, "--tls-certificate", certificate) as server:
        began = time.monotonic()
        with pytest.raises(loyalty.UnauthenticatedError, match=why):
            loyalty.connect(address_of(server), ca_file=pki.ca_file)
        assert time.monotonic() - began < 10  # and not when the time of the call is over


def test_a_client_with_a_certificate(strict: Server, pki: Pki) -> None:
    with loyalty.connect(
        address_of(strict), ca_file=pki.ca_file, certificate_file=pki.issue("checkout.example")
    ) as ledger:
        assert ledger.earn("ada", 5).ok


def test_clients_without_a_good_certificate_are_refused(
    strict: Server, pki: Pki, strangers: Pki
) -> None:
    expired = pki.issue("late.example", **IN_2023)
    for certificate in (None, strangers.issue("evil.example"), expired):
        # The server may close before its reason is read: then it looks like a lost connection.
        with pytest.raises((loyalty.UnauthenticatedError, loyalty.UnavailableError)):
            loyalty.connect(
                address_of(strict),
                ca_file=pki.ca_file,
                certificate_file=certificate,
                timeout_ms=SHORT_MS,
            )
    own = pki.issue("good.example")
    with loyalty.connect(address_of(strict), ca_file=pki.ca_file, certificate_file=own) as ledger:
        assert ledger.balance("ada").active == 0


def test_one_speaks_tls_and_the_other_does_not(
    server: Server, ledger_path: Path, pki: Pki, tmp_path: Path
) -> None:
    with pytest.raises(loyalty.UnavailableError):
        loyalty.connect(server.address, timeout_ms=SHORT_MS)
    loyalty.create(tmp_path / "plain").close()
    with (
        serve(tmp_path / "plain") as plain,
        pytest.raises((loyalty.UnauthenticatedError, loyalty.UnavailableError)),
    ):
        loyalty.connect(address_of(plain), ca_file=pki.ca_file, timeout_ms=SHORT_MS)
    assert is_well(server, pki)


def handshake(server: Server, pki: Pki, version: ssl.TLSVersion) -> str | None:
    context = ssl.create_default_context(cafile=str(pki.ca_file))
    context.set_ciphers("ALL:@SECLEVEL=0")  # so that it is the server who refuses
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        return connection.version()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_versions(server: Server, pki: Pki) -> None:
    assert handshake(server, pki, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    assert handshake(server, pki, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    for old in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            handshake(server, pki, old)


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01" + b"\x00" * 9])
def test_who_dawdles_over_the_handshake_is_closed(server: Server, pki: Pki, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(sent)
        assert connection.recv(1_000) == b"" or not connection.recv(1_000)
    assert is_well(server, pki)


def open_tls(server: Server, pki: Pki) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(pki.ca_file))
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_who_takes_no_answers_is_closed_and_costs_no_cpu(server: Server, pki: Pki) -> None:
    process = psutil.Process(server.process.pid)
    with open_tls(server, pki) as connection:
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            send_on(connection, SHORT_REQUEST * 1_000)
        before = process.cpu_times()
        time.sleep(1)
        after = process.cpu_times()
        assert after.user + after.system - before.user - before.system < 0.5
        connection.settimeout(10)
        with pytest.raises((ConnectionError, ssl.SSLError)):  # once it is closed
            send_on(connection, b"\x00")
    assert is_well(server, pki)


def test_idle_connections_do_not_hold_up_a_stop(server: Server, pki: Pki) -> None:
    with open_tls(server, pki), loyalty.connect(address_of(server), ca_file=pki.ca_file):
        assert server.stop() == 0
    assert [event["event"] for event in server.events_left()] == ["stopping", "stopped"]


def test_new_certificates_and_clients_without_a_restart(
    ledger_path: Path, pki: Pki, strangers: Pki, tmp_path: Path
) -> None:
    certificate = tmp_path / "certificate.pem"
    clients = tmp_path / "clients.toml"

    def write(signer: Pki, token: str, terms: str = "") -> None:
        certificate.write_bytes(signer.issue("127.0.0.1").read_bytes())
        hashed = hashlib.sha256(token.encode()).hexdigest()
        clients.write_text(
            f'[clients.till]\ntoken_sha256 = "{hashed}"\nroles = ["read", "post"]\n{terms}'
        )

    write(pki, "one", "points_per_day = 10")
    with serve(
        ledger_path, "--tls-certificate", str(certificate), "--clients", str(clients)
    ) as server:
        address = address_of(server)
        with loyalty.connect(address, token="one", ca_file=pki.ca_file) as ledger:
            ledger.earn("ada", 6)
            write(strangers, "two", "points_per_day = 10")
            server.process.send_signal(signal.SIGHUP)
            server.event("renewed")
            with pytest.raises(loyalty.UnauthenticatedError):
                ledger.balance("ada")
        with loyalty.connect(
            address, token="two", ca_file=strangers.ca_file, timeout_ms=SHORT_MS
        ) as ledger:
            with pytest.raises(loyalty.UnavailableError, match="has moved 6"):
                ledger.earn("ada", 6)
            clients.write_text("[clients")
            server.process.send_signal(signal.SIGHUP)
            assert "clients.toml:1" in server.event("not renewed")["message"]
            assert ledger.earn("ada", 4).ok


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (lambda pki: ["--tls-certificate", pki / "none.pem"], "none.pem: cannot be read"),
        (lambda pki: ["--tls-certificate", pki / "ours-ca.pem"], "ours-ca.pem: "),
        (lambda pki: ["--tls-key", pki / "ours-ca.pem"], "--tls-certificate"),
    ],
)
def test_bad_files_of_the_server_are_told(
    ledger_path: Path, pki: Pki, options: Callable[[Path], list[Any]], names: str
) -> None:
    command = [LOYALTYD, "--ledger", ledger_path, *options(pki.ca_file.parent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode != 0
    assert names in done.stderr


def test_bad_files_of_the_client_are_told(server: Server, pki: Pki, tmp_path: Path) -> None:
    address = address_of(server)
    with pytest.raises(loyalty.NotFoundError, match=r"none\.pem"):
        loyalty.connect(address, ca_file=tmp_path / "none.pem")
    with pytest.raises(loyalty.InvalidInputError, match="no certificate_file"):
        loyalty.connect(address, ca_file=pki.ca_file, key_file=pki.ca_file)
    with pytest.raises(loyalty.InvalidInputError, match="loyaltys://"):
        loyalty.connect(server.address, ca_file=pki.ca_file)
    own, other = pki.issue("one.example"), pki.issue("two.example")
    with pytest.raises(loyalty.InvalidInputError, match=other.name):
        loyalty.connect(address, ca_file=pki.ca_file, certificate_file=own, key_file=other)
