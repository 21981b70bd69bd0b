# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One site of nginx: put in place, proven by nginx, taken back when it is refused. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _files
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._nginx import _config
from ansible_collections.seamless.deploy.plugins.module_utils._nginx._control import Control, words_of

#: What stands in nginx's refusal, and the option that it is about.
HINTS = (
    (
        r"duplicate default server|duplicate listen",
        "set deploy_server_names, or remove the other default site of nginx",
    ),
    (
        r"conflicting server name",
        "another site of nginx has this name: correct deploy_server_names, or remove that site",
    ),
    (r'"listen" directive|bind\(\) to|host not found in', "correct deploy_nginx_listen"),
    (r"server_names?_hash|server name", "correct deploy_server_names"),
    (r"certificate|PEM_|BIO_new_file", "correct deploy_certificate and deploy_certificate_key"),
    (r"client_max_body_size", "correct deploy_upload_limit"),
)


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a site is kept, and the link that switches it on, "" when the file alone does."""

    path: str
    link: str = ""


def place_of(files: t.Mapping[str, str], name: str, wanted: str) -> Place:
    """Where the site `name` goes: `wanted`, or where this nginx reads sites. Raises DeployError."""
    if wanted:
        return Place(wanted)
    path, link = _config.site_path(files, name, os.path.isdir)
    if not path:
        raise DeployError(
            f"no directory for sites is included by {next(iter(files), 'nginx.conf')}: add 'include "
            "/etc/nginx/conf.d/*.conf;' to its http block and make that directory, or name the file in deploy_nginx_path"
        )
    return Place(path, link)


def hint(words: str) -> str:
    """Which option nginx's refusal is about. Pure."""
    return next((text for pattern, text in HINTS if re.search(pattern, words)), "correct deploy_nginx_template")


def explain(words: t.Sequence[str], place: Place, content: str) -> str:
    """A refusal in nginx's own words, with the line that it names. Pure."""
    said = words[0] if words else "it gives no reason"
    found = re.search(re.escape(place.link or place.path) + r":(\d+)", said) or re.search(
        re.escape(place.path) + r":(\d+)", said
    )
    lines = content.splitlines()
    number = int(found.group(1)) if found else 0
    shown = f" That line is: {lines[number - 1].strip()}." if 0 < number <= len(lines) else ""
    return f"nginx refuses the site: {said.rstrip('.')}.{shown} Nothing was changed, nginx serves as before; {hint(said)} and run again"


class Site:
    """The file of one site, with what stood there before."""

    def __init__(self, control: Control, place: Place, mode: int = 0o644) -> None:
        self._control = control
        self._mode = mode
        self.place = place
        self.former = read_text(place.path)
        self._linked = os.path.lexists(place.link) if place.link else True

    def differs(self, content: str) -> bool:
        return self.former != content or not self._linked

    def put(self, content: str, prove: t.Callable[[dict[str, str]], None]) -> None:
        """The site is on disk and served; `prove` judges all files before. Raises DeployError after everything is as it was."""
        accepted, said = self._control.test()
        if not accepted:
            raise DeployError(
                f"nginx refuses its configuration as it is, before anything of this deploy: {'; '.join(words_of(said)) or said}. "
                "Nothing was changed; correct that first ('nginx -t' shows it)"
            )
        conflicts = set(_conflicts(said))
        try:
            self._write(content)
            accepted, said = self._control.test()
            words = [] if accepted else words_of(said) or [" ".join(said.split())]
            words += [line for line in _conflicts(said) if line not in conflicts]
            if words:
                raise DeployError(explain(words, self.place, content))
            files = self._control.files()
            if os.path.realpath(self.place.path) not in {os.path.realpath(name) for name in files}:
                raise DeployError(
                    f"nginx does not read {self.place.path}: include its directory in the http block of nginx.conf, or correct "
                    "deploy_nginx_path. Nothing was changed"
                )
            prove(files)
            self._reload(content)
        except (DeployError, OSError) as exc:
            self._take_back()
            if isinstance(exc, OSError):
                raise DeployError(
                    f"the site cannot be written to {self.place.path}: {exc.strerror}. Nothing was changed; become root, "
                    "make its directory, or correct deploy_nginx_path"
                ) from exc
            raise

    def _reload(self, content: str) -> None:
        try:
            self._control.reload()
        except DeployError as exc:
            said = exc.msg.rstrip(".")
            raise DeployError(
                f"{said}. The site was taken back, nothing was changed; {hint(said)} and run again"
            ) from exc

    def _write(self, content: str) -> None:
        _files.write_file(self.place.path, content, self._mode)
        if not self._linked:
            os.symlink(self.place.path, self.place.link)

    def _take_back(self) -> None:
        if not self._linked and os.path.islink(self.place.link):
            os.unlink(self.place.link)
        if self.former is not None:
            _files.write_file(self.place.path, self.former, self._mode)
        elif os.path.lexists(self.place.path):
            os.unlink(self.place.path)


def _conflicts(said: str) -> list[str]:
    return [line for line in words_of(said, ("warn",)) if "conflicting server name" in line]


def read_text(path: str) -> t.Optional[str]:
    """A file's text, None when there is none. Raises DeployError."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise DeployError(f"{path} cannot be read: {exc.strerror}; become root, or name another file") from exc
