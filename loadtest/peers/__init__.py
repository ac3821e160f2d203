"""Other servers that the same swarm can drive: how each is spoken to, and how it is started.

To add one: describe its protocol as a `Dialect`, make the command that starts it, and put it in PEERS.
"""

from __future__ import annotations

from typing import Final

from loadtest.peers import commands
from loadtest.peers.starting import NoPeer, Peer, Running, Starting, started
from loadtest.talk import Dialect

__all__ = ["PEERS", "NoPeer", "Peer", "Running", "Starting", "started"]

PEERS: Final = {
    "nats": Peer(
        Dialect(
            "/",
            greeting=('CONNECT {"verbose":false,"pedantic":false}\r\nSUB hot 1\r\nPING\r\n',),
            joined="PONG",
            refused="-ERR",
            hello=('CONNECT {"verbose":false,"pedantic":false}\r\n',),
            publish="PUB hot {size}\r\n{text}\r\n",
            kind="binary",
            ping="PING",
            pong="PONG\r\n",
        ),
        commands.nats,
    ),
    "ws": Peer(Dialect("/"), commands.node("ws.js", "ws")),
    "socketio": Peer(
        Dialect(
            "/socket.io/?EIO=4&transport=websocket",
            greeting=("40",),
            joined='40{"sid"',
            hello=("40",),
            publish='42["say","{text}"]',
            ping="2",
            pong="3",
        ),
        commands.node("socketio.js", "socket.io"),
    ),
    "nchan": Peer(Dialect("/sub?id=hot", post="/pub?id=hot"), commands.nchan),
    "centrifugo": Peer(
        Dialect(
            "/connection/websocket",
            greeting=('{"id":1,"connect":{}}', '{"id":2,"subscribe":{"channel":"hot"}}'),
            joined='"id":2,"subscribe":{',
            refused='"error":{',
            hello=('{"id":1,"connect":{}}',),
            publish='{"id":3,"publish":{"channel":"hot","data":"{text}"}}',
            ping="{}",
            pong="{}",
        ),
        commands.centrifugo,
    ),
}
