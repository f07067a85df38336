"""Certificates of a run's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import trustme


class Pki:
    """An authority, and files of what it signed."""

    def __init__(self, directory: Path, name: str) -> None:
        self._authority = trustme.CA()
        self._directory = directory
        self._name = name
        self.ca_file = directory / f"{name}-ca.pem"
        self._authority.cert_pem.write_to_path(str(self.ca_file))

    def issue(self, *hosts: str, **validity: Any) -> Path:
        """A file of a certificate and its key."""
        certificate = self._authority.issue_cert(*hosts, **validity)
        file = self._directory / f"{self._name}-{hosts[0]}-{len(list(self._directory.iterdir()))}"
        certificate.private_key_and_cert_chain_pem.write_to_path(str(file))
        return file
