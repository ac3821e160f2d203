"""What is said in a room from the shell: comments, announcements, gifts, what was paid for."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import Annotated, Any

import msgspec
import typer

from danmaku.cli_options import WHO, Cid, Service, command
from danmaku.model import Identity, Role, check_id

app = typer.Typer()
"""Its commands stand beside those of danmaku.cli."""

Room = Annotated[str, typer.Argument(metavar="ROOM", help="The room.")]
Uid = Annotated[str, typer.Option("--uid", "--as", metavar="UID", help=WHO)]
_Payer = Annotated[str, typer.Option("--from", metavar="UID", help="Who pays for it.")]
_Giver = Annotated[str | None, typer.Option("--from", metavar="UID", help="Who gives it [default: you].")]
_Name = Annotated[str | None, typer.Option(help="How others see them [default: the uid].")]
_Ask = Annotated[bool, typer.Option("--ask", help="Show nothing; only tell whether it would be taken.")]


@command(app)
def post(
    service: Service,
    room: Room,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to say.")],
    mode: Annotated[str | None, typer.Option(help="scroll, top or bottom.")] = None,
    color: Annotated[str | None, typer.Option(help="As RRGGBB, like ff8800.")] = None,
    uid: Uid = "streamer",
    cid: Cid = None,
) -> None:
    """Say something in a room.

    Without a token the secret in the data folder signs one, as streamer of that room.

    Example: `danmaku post lobby "hello from the shell" --color ff8800`
    """
    look = {"mode": mode, "color": None if color is None else _color(color)}
    _post(service, room, uid, {"kind": "comment", "text": text, "cid": cid, **look})


@command(app)
def announce(
    service: Service,
    room: Room,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to announce.")],
    pin: Annotated[
        int | None, typer.Option(min=1, metavar="SECONDS", help="Keep it in view for so long.")
    ] = None,
    uid: Uid = "streamer",
    cid: Cid = None,
) -> None:
    """Announce something in a room; with --pin it stays in view, until `danmaku unpin` at the latest.

    Example: `danmaku announce lobby "We go on in five minutes" --pin 300`
    """
    _post(service, room, uid, {"kind": "announce", "text": text, "cid": cid, "pin_s": pin})


@command(app)
def unpin(service: Service, room: Room, uid: Uid = "streamer") -> None:
    """Take the pinned announcement down.

    Example: `danmaku unpin lobby`
    """
    answer = staff(service, room, uid).call("DELETE", f"/v1/rooms/{room}/pinned")
    tell(service, answer, f"nothing is pinned in {room} any more but what was paid for")


@command(app)
def gift(
    service: Service,
    room: Room,
    what: Annotated[str, typer.Argument(metavar="GIFT", help="What is given.")],
    giver: _Giver = None,
    name: _Name = None,
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 1,
    text: Annotated[str | None, typer.Option(help="What is said with it.")] = None,
    amount: Annotated[
        int | None, typer.Option(min=1, help="What was paid for all, in the currency's smallest unit.")
    ] = None,
    currency: Annotated[str | None, typer.Option(help="Three letters, like CNY.")] = None,
    ask: _Ask = False,
    uid: Uid = "streamer",
    cid: Cid = None,
) -> None:
    """Show a gift; the more was paid for it, the longer it stays in view.

    Example: `danmaku gift lobby rocket --from bob --amount 5000 --currency CNY`
    """
    given = {"kind": "gift", "gift": what, "count": count, "text": text, "uid": giver, "name": name}
    paid = {"amount": amount, "currency": currency, "ask": ask or None, "cid": cid}
    _post(service, room, uid, {**given, **paid})


@command(app)
def pay(
    service: Service,
    room: Room,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What they say.")],
    payer: _Payer,
    amount: Annotated[int, typer.Option(min=1, help="What was paid, in the currency's smallest unit.")],
    currency: Annotated[str, typer.Option(help="Three letters, like CNY.")],
    name: _Name = None,
    ask: _Ask = False,
    uid: Uid = "streamer",
    cid: Cid = None,
) -> None:
    """Show a paid comment; the more was paid for it, the longer it stays in view.

    Example: `danmaku pay lobby "well played" --from bob --amount 5000 --currency CNY`
    """
    said = {"kind": "paid", "text": text, "uid": payer, "name": payer if name is None else name}
    _post(
        service, room, uid, {**said, "amount": amount, "currency": currency, "ask": ask or None, "cid": cid}
    )


def staff(service: Service, room: str, uid: str) -> Any:
    """The service as a streamer of the room calls it. Raises Refusal (bad_id), and as `mint`."""
    check_id(room, "the room")
    return service.caller(Identity(check_id(uid, "--uid"), uid, Role.VIEWER, {room: Role.STREAMER}))


def tell(service: Service, answer: Any, line: str) -> None:
    typer.echo(msgspec.json.encode(answer) if service.as_json else line)


def fresh(cid: str | None) -> str:
    """One that was given, or a new one."""
    return token_urlsafe(12) if cid is None else cid


def _post(service: Service, room: str, uid: str, body: dict[str, Any]) -> None:
    """What is None is left out."""
    given = {name: word for name, word in {**body, "cid": fresh(body["cid"])}.items() if word is not None}
    answer = staff(service, room, uid).post(f"/v1/rooms/{room}/messages", given)
    tell(service, answer, "it would be taken" if body.get("ask") else _outcome(answer))


def _outcome(answer: Any) -> str:
    if "delay_ms" in answer:
        return f"accepted, and shown in {answer['delay_ms'] / 1000:g} s"
    if answer.get("shown") is False:
        return "accepted, but not shown: the room is too busy"
    return f"shown at {answer.get('epoch')}-{answer.get('seq')}"


def _color(text: str) -> int:
    try:
        value = int(text.lstrip("#"), 16)
    except ValueError:
        value = -1
    if not 0 <= value <= 0xFFFFFF:
        raise typer.BadParameter(f"a color is RRGGBB in hexadecimal, like ff8800, not {text!r}")
    return value
