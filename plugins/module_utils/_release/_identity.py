# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a release this release: its identity, its id, and locations without credentials. Pure; target; PRIVATE."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import typing as t
from urllib.parse import unquote, urlsplit, urlunsplit

_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{7}\Z")
_USERINFO = re.compile(r"(?<=://)[^/\s@]*(?:@[^/\s@]*)*@")


def is_release_id(name: str) -> bool:
    """Whether a directory of this name was made by this collection."""
    return bool(_ID.match(name))


def new_release_id(now: datetime.datetime, commit: str, taken: t.Collection[str]) -> str:
    """The id of a release made at `now` (UTC): later than every id that is taken, so that ids sort by age."""
    moment = now.replace(microsecond=0, tzinfo=None)
    for other in taken:
        if is_release_id(other):
            moment = max(moment, _moment(other) + datetime.timedelta(seconds=1))
    return f"{moment:%Y%m%dT%H%M%S}-{commit[:7]}"


def _moment(release: str) -> datetime.datetime:
    try:
        return datetime.datetime.strptime(release[:15], "%Y%m%dT%H%M%S")
    except ValueError:
        return datetime.datetime.min


def identity_of(parts: t.Mapping[str, t.Any]) -> str:
    """One hash over everything that a release is made from; equal hashes are one release."""
    text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def strip_credentials(text: str) -> str:
    """The text with user names and passwords taken out of every URL in it."""
    return _USERINFO.sub("", text)


def split_credentials(url: str) -> tuple[str, str, str]:
    """An http(s) URL without its user and password, and both of them, decoded. Other addresses stay as they are."""
    if not re.match(r"https?://", url, re.IGNORECASE):
        return url, "", ""
    parts = urlsplit(url)
    userinfo, _at, host = parts.netloc.rpartition("@")
    user, _colon, password = userinfo.partition(":")
    return urlunsplit(parts._replace(netloc=host)), unquote(user), unquote(password)


def without_password(url: str) -> str:
    """A repository's address for people and for the manifest: `ssh://git@host` keeps its user, a password is dropped."""
    if re.match(r"(ssh|git\+ssh)://", url, re.IGNORECASE):
        parts = urlsplit(url)
        userinfo, at, host = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=userinfo.partition(":")[0] + at + host))
    return strip_credentials(url)
