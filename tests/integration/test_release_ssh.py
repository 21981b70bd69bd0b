# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploy keys against a real sshd on loopback: what is fetched, what is refused, and that no key stays (control node)."""

from __future__ import annotations

import contextlib
import getpass
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

from tests.support import paths
from tests.support.playbook import run_playbook
from tests.support.release import Repository, Target, recording_run

SSHD = shutil.which("sshd", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))

pytestmark = pytest.mark.skipif(
    not (SSHD and shutil.which("ssh-keygen") and shutil.which("ssh")),
    reason="sshd is not installed (Debian, Ubuntu: openssh-server), so no deploy key can be tried for real",
)

CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {base}/host
PidFile none
AuthorizedKeysFile {base}/authorized_keys
AllowUsers {user}
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
"""


def make_key(path: pathlib.Path, passphrase: str = "") -> pathlib.Path:
    """Make a key pair; what is given is the private half."""
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "deploy", "-f", str(path)]
    subprocess.run(argv, check=True)
    return path


class Server:
    """An sshd of our own on a port of loopback, which lets one key in."""

    def __init__(self, base: pathlib.Path) -> None:
        self.base = base
        self.port = paths.free_port()
        self.user = getpass.getuser()
        make_key(base / "host")
        self.key = make_key(base / "deploy")
        (base / "authorized_keys").write_text(f"restrict {(base / 'deploy.pub').read_text()}")
        (base / "sshd_config").write_text(CONFIG.format(base=base, port=self.port, user=self.user))

    @property
    def known(self) -> str:
        """Give the line of known_hosts that names this server."""
        return f"[127.0.0.1]:{self.port} {' '.join((self.base / 'host.pub').read_text().split()[:2])}\n"

    def url(self, path: pathlib.Path) -> str:
        """Say where a repository is, seen through ssh."""
        return f"ssh://{self.user}@127.0.0.1:{self.port}{path}"

    @contextlib.contextmanager
    def running(self) -> t.Iterator[Server]:
        """Run it as an ordinary process."""
        log = self.base / "sshd.log"
        argv = [str(SSHD), "-D", "-f", str(self.base / "sshd_config"), "-E", str(log)]
        with _separation_directory(), subprocess.Popen(argv) as process:
            try:
                while True:
                    assert process.poll() is None, log.read_text()
                    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5):
                        break
                    time.sleep(0.05)
                yield self
            finally:
                process.terminate()


@contextlib.contextmanager
def _separation_directory() -> t.Iterator[None]:
    """Have the empty directory that Debian's sshd wants when root starts it, and that a service would have made."""
    path = pathlib.Path("/run/sshd")
    missing = os.geteuid() == 0 and not path.exists()
    if missing:
        path.mkdir(mode=0o755)
    try:
        yield
    finally:
        if missing:
            path.rmdir()


@pytest.fixture(scope="module")
def server() -> t.Iterator[Server]:
    """Run one sshd for all tests here."""
    with paths.short_directory("sdssh-") as base, Server(base).running() as server:
        yield server


@pytest.fixture(scope="module")
def repository(server: Server) -> pathlib.Path:
    """Have a bare repository whose submodule lies beside it, both behind the server."""
    library = Repository(server.base / "work" / "library")
    library.commit({"library.py": "VERSION = 1\n"})
    shop = Repository(server.base / "work" / "shop")
    shop.commit({"manage.py": "one"})
    shop.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library.path), "library")
    shop.git("config", "--file", ".gitmodules", "submodule.library.url", "../library.git")
    shop.commit({}, tag="v1")
    for work in (library, shop):
        work.git("clone", "--quiet", "--bare", str(work.path), str(server.base / f"{work.path.name}.git"))
    return server.base / "shop.git"


@pytest.fixture
def target(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """Have an empty deploy path and a user who knows no host, has no key and runs no agent."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    return Target(tmp_path / "srv" / "shop")


def secret_of(key: pathlib.Path) -> str:
    """Give a line of the key that no other key has."""
    return key.read_text().splitlines()[2]


def files_with(secret: str, *places: pathlib.Path) -> list[str]:
    """List the files below these places that hold a text."""
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    return [str(path) for path in files if secret.encode() in path.read_bytes()]


def refused(target: Target, repository: str, **options: t.Any) -> str:
    """Expect one line, and that no release and no private file is left."""
    with pytest.raises(DeployError) as caught:
        target.run(repository=repository, version="v1", installer="none", **options)
    assert "\n" not in caught.value.msg and "Traceback" not in caught.value.msg
    assert not list(target.root.glob("releases/*")) and not list(target.root.glob(".deploy/tmp-*"))
    print(f"\n   {caught.value.msg}")
    return caught.value.msg


@pytest.mark.parametrize("ending", ["\n", "", "\r\n"], ids=["as it is", "no last newline", "from Windows"])
def test_a_key_given_as_text_fetches_submodules_too_and_leaves_nothing(
    server: Server, repository: pathlib.Path, target: Target, tmp_path: pathlib.Path, ending: str
) -> None:
    arguments: list[str] = []
    target = Target(target.root, recording_run(arguments))
    key = server.key.read_text().rstrip("\n").replace("\n", ending or "\n") + ending
    made = target.run(
        repository=server.url(repository),
        version="v1",
        installer="none",
        key=key,
        known_hosts="accept-new",
        submodules=True,
    )
    assert (pathlib.Path(made["release_path"]) / "library" / "library.py").read_text() == "VERSION = 1\n"
    assert files_with(secret_of(server.key), tmp_path) == []
    # The host that was seen is remembered with the deploy, and the user's own file stays as it was.
    assert server.known.split()[2] in (target.root / ".deploy" / "cache" / "known_hosts").read_text()
    assert not (tmp_path / "home").exists()
    ssh = [line for line in arguments if line.startswith("ssh ")]
    assert ssh, arguments
    assert not [line for line in arguments if secret_of(server.key) in line]


def test_a_host_that_is_known_is_enough_for_a_key_file(
    server: Server, repository: pathlib.Path, target: Target, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "home" / ".ssh").mkdir(parents=True, mode=0o700)
    (tmp_path / "home" / ".ssh" / "known_hosts").write_text(server.known)
    made = target.run(repository=server.url(repository), version="v1", installer="none", key_file=str(server.key))
    assert (pathlib.Path(made["release_path"]) / "manage.py").read_text() == "one"


def test_check_mode_sees_the_commit_and_remembers_no_host(
    server: Server, repository: pathlib.Path, target: Target, tmp_path: pathlib.Path
) -> None:
    options = {"key": server.key.read_text(), "known_hosts": "accept-new", "installer": "none"}
    told = target.run(check_mode=True, repository=server.url(repository), version="v1", **options)
    assert told["changed"] and len(told["commit"]) == 40
    assert not target.root.exists() and not (tmp_path / "home").exists()
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_an_unknown_host_is_refused_with_the_way_out(
    server: Server, repository: pathlib.Path, target: Target, check_mode: bool
) -> None:
    message = refused(target, server.url(repository), key=server.key.read_text(), check_mode=check_mode)
    assert "Host key verification failed" in message
    assert "known_hosts" in message and "known_hosts=accept-new" in message


def test_a_host_whose_key_has_changed_is_refused_even_when_new_ones_are_accepted(
    server: Server, repository: pathlib.Path, target: Target, tmp_path: pathlib.Path
) -> None:
    other = make_key(tmp_path / "other")
    cache = target.root / ".deploy" / "cache"
    cache.mkdir(parents=True)
    public = other.with_suffix(".pub").read_text().split()[:2]
    (cache / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {' '.join(public)}\n")
    message = refused(target, server.url(repository), key=server.key.read_text(), known_hosts="accept-new")
    assert "has changed" in message and f"{cache / 'known_hosts'}:1" in message
    # The way out is not to trust whoever answers now.
    assert "ask who runs it" in message and "accept-new" not in message


def test_a_key_that_cannot_be_used_is_refused(
    server: Server, repository: pathlib.Path, target: Target, tmp_path: pathlib.Path
) -> None:
    url, new = server.url(repository), "accept-new"
    assert "deploy key" in refused(target, url, key=make_key(tmp_path / "strange").read_text(), known_hosts=new)
    locked = make_key(tmp_path / "locked", passphrase="long enough")
    assert "without a passphrase" in refused(target, url, key_file=str(locked), known_hosts=new)
    assert "deploy key" in refused(target, url, key=(tmp_path / "locked.pub").read_text(), known_hosts=new)
    assert "key_file is /no/such" in refused(target, url, key_file="/no/such", known_hosts=new)
    missing = refused(target, server.url(server.base / "typo.git"), key_file=str(server.key), known_hosts=new)
    assert "typo.git" in missing and "check the address" in missing


PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Fetch with the deploy key
      seamless.deploy.release:
        path: "{{ root }}"
        repository: "{{ url }}"
        version: v1
        installer: none
        key: "{{ deploy_key }}"
        known_hosts: accept-new
"""


def test_ansible_shows_no_key_at_its_highest_verbosity(
    server: Server, repository: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    play = tmp_path / "play.yml"
    play.write_text(PLAY)
    root = tmp_path / "srv"
    variables = {"root": str(root), "url": server.url(repository), "deploy_key": server.key.read_text()}
    result = run_playbook(str(play), variables, "-vvvv", base=tmp_path)
    assert result.rc == 0 and result.changed == 1, result.stdout
    assert not [line for line in server.key.read_text().splitlines()[1:-1] if line in result.stdout]
    # Neither in the release nor in what Ansible had copied for the module.
    assert files_with(secret_of(server.key), root, tmp_path / "ansible") == []
