# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to a running supervisord over its own socket. Target; PRIVATE to the collection."""

from __future__ import annotations

import base64
import errno
import http.client
import socket
import typing as t
import xmlrpc.client
from xml.parsers.expat import ExpatError

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service._supervisor_config import Server
from ansible_collections.seamless.deploy.plugins.module_utils._user import user_name

TIMEOUT = 30.0

SHUTDOWN_STATE = 6
BAD_NAME = 10
NO_FILE = 20
NOT_EXECUTABLE = 21
SPAWN_ERROR = 50
ALREADY_STARTED = 60
NOT_RUNNING = 70
ALREADY_ADDED = 90
CANT_REREAD = 92


class Fault(DeployError):
    """supervisord understood the call and refused it."""

    def __init__(self, method: str, code: int, text: str) -> None:
        super().__init__(f"supervisord refuses {method}: {text}")
        self.code = code
        self.text = text


class _Connection(http.client.HTTPConnection):
    def __init__(self, server: Server) -> None:
        super().__init__(server.host or "localhost", server.port or None, timeout=TIMEOUT)
        self._server = server

    def connect(self) -> None:
        if not self._server.socket:
            return super().connect()
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._server.socket)


class SupervisorRpc:
    """The `supervisor.*` interface of one supervisord. Raises Fault, and DeployError when nobody answers."""

    def __init__(self, server: Server, config: str) -> None:
        self._server = server
        self._config = config

    def call(self, method: str, *arguments: t.Any) -> t.Any:
        headers = {"Content-Type": "text/xml", "Accept": "text/xml"}
        if self._server.username:
            login = f"{self._server.username}:{self._server.password}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(login).decode("ascii")
        connection = _Connection(self._server)
        try:
            body = xmlrpc.client.dumps(arguments, f"supervisor.{method}")
            connection.request("POST", "/RPC2", body.encode("utf-8"), headers)
            response = connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as exc:
            raise self._unreachable(exc) from exc
        finally:
            connection.close()
        if response.status == 401:
            raise DeployError(
                f"supervisor_config {self._config}: supervisord refuses its username and password; they must be those "
                "supervisord was started with"
            )
        if response.status != 200:
            raise DeployError(f"supervisord at {self._server.address} answered {response.status} {response.reason}")
        try:
            return xmlrpc.client.loads(data)[0][0]
        except xmlrpc.client.Fault as exc:
            if exc.faultCode == SHUTDOWN_STATE:
                raise DeployError(
                    f"supervisord at {self._server.address} is shutting down and takes no orders; start it again first"
                ) from exc
            raise Fault(method, exc.faultCode, exc.faultString) from exc
        except (ExpatError, ValueError, IndexError) as exc:
            raise DeployError(
                f"supervisord at {self._server.address} gave an answer that is no XML-RPC: {exc}"
            ) from exc

    def _unreachable(self, exc: Exception) -> DeployError:
        number = getattr(exc, "errno", None)
        where = self._server.address
        if number in (errno.ENOENT, errno.ECONNREFUSED):
            return DeployError(
                f"supervisord is not running: nothing listens on {where}, where supervisor_config {self._config} puts it; "
                f"start it with 'supervisord -c {self._config}', or name the configuration of the one that runs"
            )
        if number in (errno.EACCES, errno.EPERM):
            return DeployError(
                f"the user {user_name()} may not speak to supervisord on {where}: become its owner, or set chmod and chown in "
                f"[unix_http_server] of {self._config}"
            )
        return DeployError(f"supervisord on {where} (supervisor_config {self._config}) does not answer: {exc}")
