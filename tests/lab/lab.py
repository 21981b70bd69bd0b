# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A set of fresh hosts on one machine, for a test or to look around (control node)."""

from __future__ import annotations

import pathlib
import typing as t

from tests.lab.host import Host
from tests.lab.image import image
from tests.lab.needs import call, why_not
from tests.lab.network import Network
from tests.support import paths

LONGEST_NAME = 8


class Lab:
    """Booted hosts that can be reached by SSH; all of it goes when the block ends."""

    def __init__(
        self,
        names: t.Iterable[str],
        suite: str = "bookworm",
        *,
        prepare: t.Callable[[Host], None] | None = None,
    ) -> None:
        self.names, self.suite, self.prepare = list(names), suite, prepare
        for name in self.names:
            if not name.isalnum() or not name.islower() or len(name) > LONGEST_NAME:
                raise ValueError(f"{name} is no name for a host of a lab: 1 to {LONGEST_NAME} letters and digits")
        self.hosts: dict[str, Host] = {}
        self._kept = False

    def __enter__(self) -> t.Self:
        problem = why_not()
        if problem:
            raise RuntimeError(f"There can be no lab here: {problem}.")
        lower = image(self.suite)
        self.network = Network()
        try:
            self._up(lower)
        except BaseException:
            self.network.down()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        if not self._kept:
            self.network.down()

    @property
    def key(self) -> pathlib.Path:
        """The private key that logs in."""
        return self.base / "key"

    @property
    def known_hosts(self) -> pathlib.Path:
        """The keys of the hosts, as an administrator has collected them."""
        return self.base / "known_hosts"

    def keep(self) -> None:
        """Leave the hosts running after this process, until somebody asks for their end."""
        self._kept = True
        self.network.keep()

    def _up(self, lower: pathlib.Path) -> None:
        self.base = paths.make_short_directory("sd-lab-")
        self.network.record["base"] = str(self.base)
        self.network.write()
        self.network.up()
        call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", self.key)
        public = self.key.with_suffix(".pub").read_text()
        addresses = {name: self.network.address(index) for index, name in enumerate(self.names)}
        known = (lower / "etc" / "ssh" / "ssh_host_ed25519_key.pub").read_text().split()[:2]
        self.known_hosts.write_text("".join(f"{address} {' '.join(known)}\n" for address in addresses.values()))
        for index, name in enumerate(self.names):
            host = self.hosts[name] = Host(name, index, self.network, self.base, lower)
            host.make(addresses, public)
            if self.prepare:
                self.prepare(host)
            host.boot()
        for host in self.hosts.values():
            host.wait()
