# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of ansible-playbook are told as they were (control node)."""

from __future__ import annotations

import json
import pathlib
import typing as t

from tests.support.playbook import run_playbook


def written(folder: pathlib.Path, *tasks: dict[str, t.Any]) -> str:
    """Write a playbook of these tasks; JSON is YAML."""
    play = {"name": "Try", "hosts": "all", "gather_facts": False, "tasks": list(tasks)}
    path = folder / "try.yml"
    path.write_text(json.dumps([play]))
    return str(path)


def test_success_with_changes_and_report(short_dir: pathlib.Path) -> None:
    touch = {"ansible.builtin.copy": {"content": "{{ word }}", "dest": f"{short_dir}/made", "mode": "0644"}}
    show = {"ansible.builtin.debug": {"msg": ["first", 'the "second"']}}
    playbook = written(short_dir, touch, show)
    first = run_playbook(playbook, {"word": "yes"}, base=short_dir)
    assert (first.rc, first.changed, first.report) == (0, 1, ["first", 'the "second"'])
    assert (short_dir / "made").read_text() == "yes"
    assert run_playbook(playbook, {"word": "yes"}, base=short_dir).changed == 0


def test_each_host_has_its_own_report(short_dir: pathlib.Path) -> None:
    hosts = {name: {"ansible_connection": "local"} for name in ("one", "two")}
    shown = [{"ansible.builtin.debug": {"msg": [word, "{{ inventory_hostname }}"]}} for word in ("first", "last")]
    result = run_playbook(written(short_dir, *shown), {"all": {"hosts": hosts}})
    assert result.reports == {"one": ["last", "one"], "two": ["last", "two"]}, result.stdout


def test_failure(short_dir: pathlib.Path) -> None:
    result = run_playbook(written(short_dir, {"ansible.builtin.fail": {"msg": "no"}}), {}, "-v")
    assert result.rc == 2
    assert result.stats["localhost"]["failed"] == 1


def test_modules_of_the_checkout_are_found(short_dir: pathlib.Path) -> None:
    read = {"seamless.deploy.deploy_journal": {"path": f"{short_dir}/journal.jsonl", "state": "read"}}
    result = run_playbook(written(short_dir, read), {})
    assert result.rc == 0, result.stdout
