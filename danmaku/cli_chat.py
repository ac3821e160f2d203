"""`danmaku chat`: a user's conversations in the terminal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final, TypeVar

import msgspec
import typer
from rich.table import Column
from rich.text import Text

from danmaku import chatting
from danmaku.cli_options import OPTIONS, WHO, Cid, Service, command, option
from danmaku.cli_output import show, table
from danmaku.client import Client, Conversation, Message
from danmaku.conversation import Mention
from danmaku.model import MAX_NUMBER, Identity, Role, check_id

T = TypeVar("T")
_TTL_S: Final = 3600

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Private and group conversations: list, read, send, follow.\n\n"
    "Give a token, or `--uid` on the machine of the service, where its secret signs one.\n\n"
    "Example: `danmaku chat send bob 'are you there?' --uid ann`",
)

_Uid = Annotated[str | None, typer.Option("--uid", "--as", metavar="UID", help=WHO)]
_TARGET: Final = "A user, or a conversation: p:UID:UID, g:GROUP."
_Target = Annotated[str, typer.Argument(metavar="TARGET", help=_TARGET)]
_Number = typer.Option(min=0, max=MAX_NUMBER, help="Begin after this message [default: show the newest].")


@dataclass(frozen=True, slots=True)
class Login:
    """How commands come to the service: with a token, or one that is signed here for `uid`."""

    service: Service
    uid: str | None

    @property
    def as_json(self) -> bool:
        return self.service.as_json

    def run(self, work: Callable[[Client], Awaitable[T]], *, listens: bool = False) -> T:
        """What `work` gives. Raises BadParameter, Refusal and what `mint` raises."""
        token, url = self.service.token or self._signed(), self.service.address

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
        return self.service.token_of(identity, _TTL_S)


def _login(uid: str | None, **given: Any) -> Login:
    return Login(Service(**given), uid)


_command: Final = partial(command, app, options=(option("uid", _Uid, None), *OPTIONS), given=_login)


@_command(name="list")
def list_conversations(login: Login) -> None:
    """List your conversations, those with the newest messages first.

    Example: `danmaku chat list --uid ann --json | jq '.[] | select(.unread > 0)'`
    """

    async def work(client: Client) -> tuple[str, list[Conversation]]:
        return client.uid, await client.chat.sync()

    me, found = login.run(work)
    found.sort(key=lambda one: 0 if one.last is None else one.last.at, reverse=True)
    if login.as_json:
        typer.echo(msgspec.json.encode(found))
        return
    if not found:
        typer.echo("no conversations yet")
        return
    numbers = [Column(name, justify="right") for name in ("unread", "mentions")]
    listed = table("conversation", "with", *numbers, "last")
    for one in found:
        other, last = Text(chatting.other_of(me, one)), Text(chatting.last_of(one))
        listed.add_row(one.conv, other, str(one.unread), str(one.mentions), last)
    show(listed)


@_command()
def history(
    login: Login,
    target: _Target,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many messages at most.")] = 20,
    after: Annotated[int | None, _Number] = None,
    read: Annotated[bool, typer.Option("--read", help="Note that what is shown was read.")] = False,
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
            _show(message, as_json=login.as_json)
        if not (page.messages or login.as_json):
            typer.echo("nothing was said after that" if after else "nothing was said yet")
        if read and page.messages:
            await client.chat.read(conv, page.messages[-1].seq)
        return page.complete

    if not login.run(work):
        typer.echo("what came before is no longer kept, or not for you to see", err=True)


@_command()
def send(
    login: Login,
    target: _Target,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to say; - reads it from standard input.")],
    mention: Annotated[
        list[str] | None, typer.Option(metavar="UID", help="Mention a user, or `all`. Repeatable.")
    ] = None,
    cid: Cid = None,
) -> None:
    """Say something to a user or in a group. Returns once it is stored.

    Example: `danmaku chat send g:team "lunch?" --mention all --uid ann`
    """
    whom: Mention | None = "all" if mention == ["all"] else mention
    body = sys.stdin.read().rstrip("\n") if text == "-" else text
    said = login.run(lambda client: client.chat.send(target, body, mention=whom or None, cid=cid))
    if login.as_json:
        typer.echo(msgspec.json.encode(said))
    else:
        typer.echo(f"{said.conv} {said.seq}{' (said before)' if said.duplicate else ''}")


@_command()
def follow(
    login: Login,
    target: Annotated[
        str | None, typer.Argument(metavar="[TARGET]", help=f"{_TARGET} [default: all of yours]")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Begin with the oldest messages.")] = False,
) -> None:
    """Show what is said as it comes, until Ctrl-C; first what you have not read yet.

    Comes back by itself when the connection is lost, with what was said meanwhile.

    Example: `danmaku chat follow --uid ann --json | jq -r .conv`
    """

    async def work(client: Client) -> None:
        conv = None if target is None else chatting.conversation_of(client.uid, target)
        since: dict[str, int] | None = {} if everything else None

        def tell(message: Message) -> None:
            _show(message, as_json=login.as_json, where=conv is None)

        await chatting.follow(client, conv, since, tell)

    login.run(work, listens=True)


def _show(message: Message, *, as_json: bool, where: bool = False) -> None:
    if as_json:
        print(chatting.json_of(message), flush=True)
    else:
        show(chatting.line_of(message, where=where))
