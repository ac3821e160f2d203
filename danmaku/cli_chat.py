"""`danmaku chat`: a user's conversations in the terminal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec
import typer
from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from danmaku import chatting
from danmaku.cli_options import DATA, Config, Data, Json, Token, Url, mint, service_url
from danmaku.client import Client, Conversation, Message
from danmaku.conversation import Mention
from danmaku.model import Identity, Role, check_id

T = TypeVar("T")
_TTL_S: Final = 3600

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Private and group conversations: list, read, send, follow.\n\n"
    "Give a token, or `--uid` on the machine of the service, where its secret signs one.\n\n"
    "Example: `danmaku chat send bob 'are you there?' --uid ann`",
)

_Uid = Annotated[str | None, typer.Option(help="Who you are, where no token is given.")]
_TARGET: Final = "A user, or a conversation: p:UID:UID, g:GROUP."
_Target = Annotated[str, typer.Argument(metavar="TARGET", help=_TARGET)]
_Number = typer.Option(min=0, help="Begin after this message [default: show the newest].")


@dataclass(frozen=True, slots=True)
class Login:
    """How commands come to the service: with a token, or one that is signed here for `uid`."""

    url: str | None
    token: str | None
    uid: str | None
    data: Path
    config: Path | None

    def run(self, work: Callable[[Client], Awaitable[T]], *, listens: bool = False) -> T:
        """What `work` gives. Raises BadParameter, Refusal and what `mint` raises."""
        token = self.token or self._signed()
        url = service_url(self.url, self.data, self.config)

        async def connected() -> T:
            async with Client(url, token=token, chat=listens) as client:
                return await work(client)

        try:
            return asyncio.run(connected())
        except KeyboardInterrupt:
            raise typer.Exit(0 if listens else 130) from None

    def _signed(self) -> str:
        if self.uid is None:
            raise typer.BadParameter("say who you are: --token, or --uid where the service's data folder is")
        identity = Identity(check_id(self.uid, "--uid"), self.uid, Role.VIEWER)
        return mint(self.data, self.config, identity, _TTL_S)


@app.command("list")
def list_conversations(
    uid: _Uid = None,
    url: Url = None,
    token: Token = None,
    data: Data = DATA,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List your conversations, those with the newest messages first.

    Example: `danmaku chat list --uid ann --json | jq '.[] | select(.unread > 0)'`
    """

    async def work(client: Client) -> tuple[str, list[Conversation]]:
        return client.uid, await client.chat.sync()

    me, found = Login(url, token, uid, data, config).run(work)
    found.sort(key=lambda one: 0 if one.last is None else one.last.at, reverse=True)
    if as_json:
        typer.echo(msgspec.json.encode(found))
        return
    if not found:
        typer.echo("no conversations yet")
        return
    numbers = [Column(name, justify="right") for name in ("unread", "mentions")]
    table = Table(
        "conversation", "with", *numbers, "last", box=box.SIMPLE_HEAD if sys.stdout.isatty() else None
    )
    for one in found:
        other, last = Text(chatting.other_of(me, one)), Text(chatting.last_of(one))
        table.add_row(one.conv, other, str(one.unread), str(one.mentions), last)
    Console(highlight=False).print(table)


@app.command()
def history(
    target: _Target,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many messages at most.")] = 20,
    after: Annotated[int | None, _Number] = None,
    read: Annotated[bool, typer.Option("--read", help="Note that what is shown was read.")] = False,
    uid: _Uid = None,
    url: Url = None,
    token: Token = None,
    data: Data = DATA,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show what was said in a conversation, the newest last.

    Example: `danmaku chat history bob --uid ann --limit 50 --read`
    """

    async def work(client: Client) -> bool:
        conv = chatting.conversation_of(client.uid, target)
        if after is None:
            page = await chatting.newest(client, conv, limit)
        else:
            page = await chatting.following(client, conv, after, limit)
        for message in page.messages:
            _show(message, as_json=as_json)
        if read and page.messages:
            await client.chat.read(conv, page.messages[-1].seq)
        return page.complete

    if not Login(url, token, uid, data, config).run(work):
        typer.echo("what came before is no longer kept, or not for you to see", err=True)


@app.command()
def send(
    target: _Target,
    text: Annotated[str, typer.Argument(help="What to say; - reads it from standard input.")],
    mention: Annotated[
        list[str] | None, typer.Option(metavar="UID", help="Mention a user, or `all`. Repeatable.")
    ] = None,
    cid: Annotated[
        str | None, typer.Option(help="Under the same one it is said once, however often it is sent.")
    ] = None,
    uid: _Uid = None,
    url: Url = None,
    token: Token = None,
    data: Data = DATA,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say something to a user or in a group. Returns once it is stored.

    Example: `danmaku chat send g:team "lunch?" --mention all --uid ann`
    """
    whom: Mention | None = "all" if mention == ["all"] else mention
    body = sys.stdin.read().rstrip("\n") if text == "-" else text
    said = Login(url, token, uid, data, config).run(
        lambda client: client.chat.send(target, body, mention=whom or None, cid=cid)
    )
    if as_json:
        typer.echo(msgspec.json.encode(said))
    else:
        typer.echo(f"{said.conv} {said.seq}{' (said before)' if said.duplicate else ''}")


@app.command()
def follow(
    target: Annotated[str | None, typer.Argument(metavar="TARGET", help=_TARGET)] = None,
    everything: Annotated[bool, typer.Option("--all", help="Begin with the oldest messages.")] = False,
    uid: _Uid = None,
    url: Url = None,
    token: Token = None,
    data: Data = DATA,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show what is said as it comes, until Ctrl-C; first what you have not read yet.

    Comes back by itself when the connection is lost, with what was said meanwhile.

    Example: `danmaku chat follow --uid ann --json | jq -r .conv`
    """

    async def work(client: Client) -> None:
        conv = None if target is None else chatting.conversation_of(client.uid, target)
        since: dict[str, int] | None = {} if everything else None

        def show(message: Message) -> None:
            _show(message, as_json=as_json, where=conv is None)

        await chatting.follow(client, conv, since, show)

    Login(url, token, uid, data, config).run(work, listens=True)


def _show(message: Message, *, as_json: bool, where: bool = False) -> None:
    if as_json:
        print(chatting.json_of(message), flush=True)
    else:
        Console(highlight=False, soft_wrap=True).print(chatting.line_of(message, where=where))
