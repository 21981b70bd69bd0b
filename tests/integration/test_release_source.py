# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a release's files come from: git with credentials and submodules, directories, archives (control node)."""

from __future__ import annotations

import io
import os
import pathlib
import subprocess
import tarfile
import typing as t
import zipfile

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

from tests.support.playbook import run_playbook
from tests.support.release import BasicAuthServer, Repository, Target, recording_run, snapshot


@pytest.fixture
def repository(tmp_path: pathlib.Path) -> Repository:
    made = Repository(tmp_path / "origin")
    made.commit({"manage.py": "one"}, tag="r1")
    return made


@pytest.fixture
def target(tmp_path: pathlib.Path) -> Target:
    return Target(tmp_path / "srv" / "shop")


def everything_in(path: pathlib.Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.rglob("*") if file.is_file() and not file.is_symlink())


@pytest.mark.parametrize("password", ["pa55word", "p@ss/w'o$rd"])
def test_a_password_in_the_url_is_seen_nowhere(repository: Repository, tmp_path: pathlib.Path, password: str) -> None:
    repository.git("clone", "--quiet", "--bare", str(repository.path), str(tmp_path / "www" / "shop.git"))
    subprocess.run(["git", "--git-dir", str(tmp_path / "www" / "shop.git"), "update-server-info"], check=True)
    arguments: list[str] = []
    target = Target(tmp_path / "srv", recording_run(arguments))
    encoded = password.replace("@", "%40").replace("/", "%2F")
    with BasicAuthServer(tmp_path / "www", "robot", password) as server:
        url = f"http://robot:{encoded}@{server.host}/shop.git"
        made = target.run(repository=url, version="r1", installer="none")
        shown = target.run(repository=url, version="r1", installer="none", check_mode=True)
        with pytest.raises(DeployError) as caught:
            target.run(repository=url.replace(encoded, "wr0ng"), version="r1", installer="none")
    assert made["commit"] == repository.head() and not shown["changed"]
    assert made["manifest"]["source"]["location"] == f"http://{server.host}/shop.git"
    assert "Authentication failed" in caught.value.msg and "wr0ng" not in caught.value.msg
    assert any("git-remote-http" in line for line in arguments)
    for secret in (password, encoded, "wr0ng"):
        assert not [line for line in arguments if secret in line]
        assert secret.encode() not in everything_in(tmp_path / "srv")


SSH = """#!/bin/sh
# Stands in for ssh: there is no server here, but git, the key and the options are the real ones.
key=$(printf '%s\\n' "$@" | grep -A1 -x -e -i | tail -1)
[ "$(cat "$key")" = "$EXPECTED_KEY" ] || { echo "git@h: Permission denied (publickey)." >&2; exit 255; }
printf '%s\\n' "$(stat -c %a "$key")" "$@" > "$SSH_RECORD"
for last in "$@"; do :; done
exec sh -c "$last"
"""


def test_a_deploy_key_exists_only_while_git_runs(
    repository: Repository, target: Target, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ssh").write_text(SSH)
    (tmp_path / "bin" / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("EXPECTED_KEY", "KEY\nbody")
    monkeypatch.setenv("SSH_RECORD", str(tmp_path / "record"))
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    url = f"git@git.example.invalid:{repository.path}"
    made = target.run(repository=url, key="KEY\r\nbody\r\n\r\n", version="r1", installer="none")
    assert made["commit"] == repository.head()
    mode, *words = (tmp_path / "record").read_text().splitlines()
    assert mode == "600" and not os.path.exists(words[words.index("-i") + 1])
    assert {"BatchMode=yes", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes"} <= set(words)
    assert b"body" not in everything_in(target.root)
    with pytest.raises(DeployError, match="Permission denied .*deploy key that the repository accepts"):
        target.run(repository=url, key="other", version="r1", installer="none")


def test_submodules_of_submodules(tmp_path: pathlib.Path, target: Target) -> None:
    inner, middle, outer = (Repository(tmp_path / "git" / name) for name in ("inner", "middle", "outer"))
    inner.commit({"inner.txt": "inner"})
    for parent, child in ((middle, "inner"), (outer, "middle")):
        parent.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", f"../{child}", f"lib/{child}")
        parent.git("config", "--file", ".gitmodules", f"submodule.lib/{child}.url", f"../{child}")
        parent.commit({f"{child}.txt": "x"})
    without = target.prepare(outer, installer="none")
    assert not list(pathlib.Path(without["release_path"], "lib", "middle").iterdir())
    assert any("submodules is false" in warning for warning in without["warnings"])
    made = target.prepare(outer, installer="none", submodules=True)
    found = pathlib.Path(made["release_path"], "lib", "middle", "lib", "inner", "inner.txt")
    assert found.read_text() == "inner" and made["release"] != without["release"]
    assert not list(pathlib.Path(made["release_path"]).rglob(".git"))


def test_files_of_lfs_are_said(repository: Repository, target: Target) -> None:
    repository.commit({".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n"})
    assert any("Git LFS" in warning for warning in target.prepare(repository, installer="none")["warnings"])


def test_attributes_leave_nothing_out(repository: Repository, target: Target) -> None:
    repository.commit({".gitattributes": "*.txt export-ignore\n", "kept.txt": "kept"})
    assert pathlib.Path(target.prepare(repository, installer="none")["release_path"], "kept.txt").exists()


def test_a_moved_branch_and_a_deleted_tag(repository: Repository, target: Target) -> None:
    target.prepare(repository, version="r1", installer="none")
    repository.git("tag", "--delete", "r1")
    repository.git("commit", "--quiet", "--amend", "--allow-empty", "-m", "rewritten")
    assert target.prepare(repository, version="main", installer="none")["commit"] == repository.head()
    with pytest.raises(DeployError, match="version is 'r1'"):
        target.prepare(repository, version="r1", installer="none")


def test_a_broken_mirror_is_made_anew(repository: Repository, target: Target) -> None:
    target.prepare(repository, installer="none")
    (mirror,) = (target.root / ".deploy" / "cache").glob("*.git")
    (mirror / "HEAD").unlink()
    repository.commit({"manage.py": "two"})
    assert target.prepare(repository, installer="none")["commit"] == repository.head()


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar", ".tar.xz", ".zip"])
@pytest.mark.parametrize("top", ["", "shop-1.0/"])
def test_archives(tmp_path: pathlib.Path, target: Target, suffix: str, top: str) -> None:
    path = tmp_path / f"shop{suffix}"
    files = {"manage.py": "one", "shop/urls.py": "two"}
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w") as zipped:
            for name, text in files.items():
                zipped.writestr(top + name, text)
    else:
        with tarfile.open(path, "w:" + suffix[5:]) as tar:
            for name, text in files.items():
                info = tarfile.TarInfo(top + name)
                info.size = len(text)
                tar.addfile(info, io.BytesIO(text.encode()))
    made = target.run(source=str(path), installer="none")
    assert (pathlib.Path(made["release_path"]) / "shop" / "urls.py").read_text() == "two"
    assert made["manifest"]["source"]["kind"] == "archive"
    assert not target.run(source=str(path), installer="none")["changed"]


def member(name: str, **facts: t.Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in facts.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize(
    "members",
    [
        [member("../outside")],
        [member("/absolute")],
        [member("a/../../outside")],
        [member("link", type=tarfile.SYMTYPE, linkname="/etc"), member("link/passwd")],
        [member("link", type=tarfile.SYMTYPE, linkname="../../..")],
        [member("top/file"), member("top/link", type=tarfile.SYMTYPE, linkname="../other")],
    ],
)
def test_archives_that_lead_outside(tmp_path: pathlib.Path, target: Target, members: list[tarfile.TarInfo]) -> None:
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        for info in [member("file"), *members] if not members[0].name.startswith("top") else members:
            tar.addfile(info, io.BytesIO(b""))
    with pytest.raises(DeployError, match=r"bad\.tar, whose (member|link)"):
        target.run(source=str(tmp_path / "bad.tar"), installer="none")
    assert not os.listdir(target.root / "releases")
    assert not list(tmp_path.rglob("outside"))


def test_an_archive_that_is_cut(tmp_path: pathlib.Path, target: Target) -> None:
    with tarfile.open(tmp_path / "whole.tar.gz", "w:gz") as tar:
        info = member("file", size=200_000)
        tar.addfile(info, io.BytesIO(os.urandom(200_000)))
    (tmp_path / "cut.tar.gz").write_bytes((tmp_path / "whole.tar.gz").read_bytes()[:90_000])
    with pytest.raises(DeployError, match="not a complete tar or zip archive"):
        target.run(source=str(tmp_path / "cut.tar.gz"), installer="none")


PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Make the release
      seamless.deploy.release:
        path: "{{ root }}"
        source: "{{ files }}"
        project_dir: site
        required_files: [manage.py]
        installer: "none"
        index_url: https://robot:indexsecret@example.invalid/simple
        environment: {DEBUG: "1", NAME: srv, SECRET_KEY: dontshowthis}
        state: "{{ state | default('pulled') }}"
      register: made
    - name: Complete it
      seamless.deploy.release:
        path: "{{ root }}"
        release: "{{ made.release }}"
        source: "{{ files }}"
        project_dir: site
        installer: "none"
      when: not ansible_check_mode
    - name: Show the path
      ansible.builtin.debug:
        msg: "path={{ made.release_path }} changed={{ made.changed }}"
"""


def test_a_directory_of_the_control_node(tmp_path: pathlib.Path) -> None:
    files = tmp_path / "files"
    for name in ("site/manage.py", "site/.env", ".git/config", "site/__pycache__/x.pyc", "site/run.sh"):
        (files / name).parent.mkdir(parents=True, exist_ok=True)
        (files / name).write_text("x")
    (files / "site" / "run.sh").chmod(0o700)
    (files / "site" / "link").symlink_to("run.sh")
    (tmp_path / "play.yml").write_text(PLAY)
    variables = {"root": str(tmp_path / "srv"), "files": str(files)}
    checked = run_playbook(str(tmp_path / "play.yml"), variables, "--check", base=tmp_path)
    assert checked.rc == 0 and "changed=True" in checked.stdout and snapshot(tmp_path / "srv") == {}
    first = run_playbook(str(tmp_path / "play.yml"), variables, "-vvvv", base=tmp_path)
    assert first.rc == 0, first.stdout
    (release,) = (tmp_path / "srv" / "releases").iterdir()
    assert f"path={release} changed=True" in first.stdout
    assert "dontshowthis" not in first.stdout and "indexsecret" not in first.stdout
    assert sorted(path.name for path in (release / "site").iterdir()) == ["link", "manage.py", "run.sh"]
    assert not (release / ".git").exists() and os.access(release / "site" / "run.sh", os.X_OK)
    (files / "site" / "manage.py").touch()
    again = run_playbook(str(tmp_path / "play.yml"), variables, base=tmp_path)
    assert again.rc == 0 and again.changed == 0
    missing = run_playbook(str(tmp_path / "play.yml"), {**variables, "files": str(tmp_path / "none")}, base=tmp_path)
    assert missing.rc != 0 and "does not exist on the control node" in missing.stdout
