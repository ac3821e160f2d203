"""The chat page before the real service: browsers that talk, real processes."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, Route, expect

from tests.pages.conftest import Visitors
from tests.system.deployment import Deployment, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVIL = "<img src=x onerror=\"document.title='pwned'\"> javascript:alert(1)"
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest_asyncio.fixture(loop_scope="session")
async def service(tmp_path: Path) -> AsyncIterator[Deployment]:
    async with serving(tmp_path) as service:
        yield service


async def test_two_users_talk(visitors: Visitors, service: Deployment) -> None:
    ann, bob = await _enter(visitors, service, "ann"), await _enter(visitors, service, "bob")
    assert "token" not in ann.url
    await _begin(ann, "bob")
    await _say(ann, "hello bob")
    row = bob.locator("#conversations button")
    await expect(row).to_contain_text("ann: hello bob")
    await expect(row.locator(".unread")).to_contain_text("1 unread")
    await expect(bob).to_have_title("(1) Chat · Danmaku")
    await expect(ann.locator(".tick")).to_have_text(["✓"])

    await row.click()
    await expect(_words(bob)).to_have_text(["hello bob"])
    await expect(row.locator(".unread")).to_have_count(0)
    await expect(ann.locator(".tick")).to_have_text(["✓✓"])
    await bob.get_by_label("Your message").press_sequentially("hi")
    await expect(ann.locator("#typing")).to_have_text("bob is writing…")
    await _say(bob, EVIL)
    for page in (ann, bob):
        await expect(_words(page)).to_have_text(["hello bob", EVIL])
        assert await page.locator("#chat img").count() == 0
        await expect(page).to_have_title("Chat · Danmaku")


async def test_who_was_away_catches_up_and_what_is_taken_back_is_gone(
    visitors: Visitors, service: Deployment
) -> None:
    ann, bob = await _enter(visitors, service, "ann"), await _enter(visitors, service, "bob")
    await _begin(ann, "bob")
    await _say(ann, "one")
    await bob.locator("#conversations button").click()
    await expect(_words(bob)).to_have_text(["one"])
    await bob.close()
    for text in ("two", "a secret", "four"):
        await _say(ann, text)
    await ann.locator("li.own", has_text="a secret").get_by_role("button", name="Take back").click()
    await expect(_words(ann)).to_have_text(["one", "two", "four"])
    await expect(ann.locator(".note:visible")).to_have_text(["A message was taken back"])

    bob = await _enter(visitors, service, "bob")
    await expect(bob.locator("#conversations .unread")).to_contain_text("unread")
    await bob.locator("#conversations button").click()
    await expect(_words(bob)).to_have_text(["one", "two", "four"])
    await _say(ann, "a slip")
    await expect(_words(bob)).to_have_text(["one", "two", "four", "a slip"])
    await ann.locator("li.own", has_text="a slip").get_by_role("button", name="Take back").click()
    await expect(_words(bob)).to_have_text(["one", "two", "four"])
    await expect(bob.locator("#conversations")).not_to_contain_text("slip")
    await expect(bob.locator("#thread")).not_to_contain_text("slip")
    await expect(bob.locator("body")).not_to_contain_text("a slip")
    await expect(bob.locator("body")).not_to_contain_text("secret")


async def test_a_connection_that_was_lost_misses_nothing(visitors: Visitors, service: Deployment) -> None:
    ann, bob = await _enter(visitors, service, "ann"), await _enter(visitors, service, "bob")
    await _begin(ann, "bob")
    await _say(ann, "before")
    await bob.locator("#conversations button").click()
    await expect(_words(bob)).to_have_text(["before"])
    elsewhere = await bob.context.new_page()  # the same device: the newer page takes the place of the older
    await elsewhere.goto(f"{service.url}/chat#token={service.token('bob')}")
    await expect(bob.locator("#connection-text")).to_contain_text("replaced by a newer connection")
    for text in ("one", "two", "three"):
        await _say(ann, text)
    await bob.locator("#connection-button").click()
    await expect(_words(bob)).to_have_text(["before", "one", "two", "three"])


async def test_a_long_conversation_is_read_page_by_page(visitors: Visitors, service: Deployment) -> None:
    token, texts = service.token("bob"), [f"message {number}" for number in range(1, 121)]
    for text in texts:
        body = {"to": "ann", "cid": text.replace(" ", "-"), "body": [{"type": "text", "text": text}]}
        status, answer = await service.call("POST", "/v1/chat/messages", body, token)
        assert status == 200, answer
    ann = await _enter(visitors, service, "ann")
    row = ann.locator("#conversations button")
    await expect(row.locator(".unread")).to_contain_text("120 unread")
    await row.click()
    await expect(_words(ann)).to_have_text(texts[70:])
    await expect(ann.locator("#messages li").last).to_be_in_viewport()
    await expect(row.locator(".unread")).to_have_count(0)
    earlier = ann.get_by_role("button", name="Earlier messages")
    await earlier.click()
    await expect(_words(ann)).to_have_text(texts[20:])
    await earlier.click()
    await expect(_words(ann)).to_have_text(texts)
    await expect(earlier).to_be_hidden()


async def test_a_group_with_mentions_members_and_images(visitors: Visitors, service: Deployment) -> None:
    ann, bob = await _enter(visitors, service, "ann"), await _enter(visitors, service, "bob")
    await _begin(ann, "bob", group="The <b>crew</b>")
    await expect(ann.locator("#thread-name")).to_have_text("The <b>crew</b>")
    await ann.get_by_role("button", name="Members").click()
    await expect(ann.locator("#members li")).to_have_text(["annowner", re.compile("bobmemberMention")])
    await ann.get_by_label("Invite a user").fill("not an id")
    await ann.get_by_role("button", name="Invite", exact=True).click()
    await expect(ann.locator("#members-outcome")).to_contain_text("User ids are letters")
    await ann.get_by_role("button", name="Mention bob").click()
    await ann.get_by_label("Your message").press_sequentially("look")
    await _image(ann, "javascript:alert(1)")
    await expect(ann.locator("#outcome")).to_contain_text("begins with http")
    await _image(ann, "http://pictures.test/dot.png")
    await expect(ann.get_by_label("Your message")).to_have_value("")

    asked: list[str] = []

    async def picture(route: Route) -> None:
        asked.append(route.request.url)
        await route.fulfill(body=DOT, content_type="image/png")

    await bob.route("http://pictures.test/**", picture)
    await expect(bob.locator("#conversations .unread.mention")).to_contain_text("1 mention you")
    await bob.locator("#conversations button").click()
    await expect(bob.locator("mark")).to_have_text(["@bob"])
    assert asked == []  # nobody learns that a message is looked at
    await bob.get_by_role("button", name="Show the image from pictures.test").click()
    image = bob.locator("#messages img")
    await expect(image).to_have_js_property("naturalWidth", 1)
    assert asked == ["http://pictures.test/dot.png"]

    async with bob.expect_response("**/v1/groups/*"):  # which would be a 403 if he had left by then
        await bob.get_by_role("button", name="Members").click()
    await bob.get_by_role("button", name="Leave the group").click()
    await expect(bob.locator("#thread")).to_be_hidden()
    await expect(bob.locator("#conversations button")).to_have_count(0)
    await expect(ann.locator(".note").last).to_have_text("bob left")


async def test_staff_looks_after_a_group(visitors: Visitors, service: Deployment) -> None:
    ann = await _enter(visitors, service, "ann", width=360, height=640)
    bob = await _enter(visitors, service, "bob")
    await _begin(ann, "bob, cid", group="Crew")
    await ann.get_by_role("button", name="Members").click()
    await _do(ann, "bob", "Make admin")
    await expect(_member(ann, "bob")).to_contain_text("admin")
    await _do(ann, "cid", "Mute for an hour")
    await expect(_member(ann, "cid")).to_contain_text("member, muted")
    await _do(ann, "cid", "Let speak again")
    await expect(_member(ann, "cid")).not_to_contain_text("muted")
    await _does_not_scroll_sideways(ann)
    assert await ann.locator("#members-dialog").evaluate("it => it.scrollWidth <= it.clientWidth")

    await ann.get_by_label("Only owner and admins may speak").check()
    name = ann.get_by_label("Rename the group")
    await name.fill("The crew")
    await name.press("Enter")
    await expect(ann.locator("#thread-name")).to_have_text("The crew")

    await bob.locator("#conversations button").click()
    await expect(bob.locator(".note").last).to_have_text("ann renamed the group to “The crew”")
    await bob.get_by_role("button", name="Members").click()
    await expect(bob.get_by_role("button", name="Dissolve")).to_be_hidden()
    await expect(bob.get_by_role("button", name="What to do with ann")).to_have_count(0)
    await bob.get_by_label("Only owner and admins may speak").uncheck()
    await _do(bob, "cid", "Send away")
    await bob.get_by_role("button", name="Cancel").click()
    await expect(_member(bob, "cid")).to_have_count(1)
    await bob.keyboard.press("Escape")  # by keyboard alone, from the dialog's button on
    await bob.get_by_role("button", name="Members").focus()
    await bob.keyboard.press("Enter")
    await bob.get_by_role("button", name="What to do with cid").focus()
    await bob.keyboard.press("Enter")
    for _ in range(3):
        await bob.keyboard.press("Tab")
    await bob.keyboard.press("Enter")
    await bob.keyboard.press("Tab")
    await bob.keyboard.press("Enter")
    await expect(_member(bob, "cid")).to_have_count(0)
    await expect(ann.locator(".note").last).to_have_text("bob sent cid away")

    await _do(ann, "bob", "Hand over")
    await ann.locator("#confirm-yes").click()
    await expect(_member(ann, "bob")).to_contain_text("owner")
    await expect(ann.get_by_role("button", name="Dissolve")).to_be_hidden()
    await bob.get_by_role("button", name="Dissolve").click()
    await bob.locator("#confirm-yes").click()
    await expect(bob.locator("#staff")).to_be_hidden()
    await expect(ann.locator(".note").last).to_have_text("bob dissolved the group")


async def test_a_refusal_is_said_and_what_is_shown_is_what_holds(
    visitors: Visitors, service: Deployment
) -> None:
    ann = await _enter(visitors, service, "ann")
    await _begin(ann, "bob", group="Crew")
    await ann.get_by_role("button", name="Members").click()
    staff = ann.get_by_label("Only owner and admins may speak")
    await expect(staff).to_be_visible()
    await ann.route("**/v1/groups/**", _only_reads)
    await staff.check(force=True)
    await expect(ann.locator("#members-outcome")).to_contain_text("cannot be reached")
    await expect(staff).not_to_be_checked()


async def test_who_is_blocked_cannot_write_until_he_is_let_again(
    visitors: Visitors, service: Deployment
) -> None:
    ann, bob = await _enter(visitors, service, "ann"), await _enter(visitors, service, "bob")
    await _begin(ann, "bob")
    await _say(ann, "hello")
    await bob.locator("#conversations button").click()
    await bob.get_by_role("button", name="Block", exact=True).click()
    await bob.locator("#confirm-yes").click()
    await expect(bob.get_by_role("button", name="Unblock")).to_be_visible()
    box = ann.get_by_label("Your message")
    await box.fill("let me in")
    await box.press("Enter")
    await expect(ann.locator("#outcome")).to_contain_text("does not take private messages from you")
    await expect(box).to_have_value("let me in")
    await bob.reload()
    await bob.get_by_role("button", name="Unblock").click()
    await expect(bob.get_by_role("button", name="Block", exact=True)).to_be_visible()
    await box.press("Enter")
    await expect(_words(bob)).to_have_text(["hello", "let me in"])


async def test_what_was_read_is_known_after_a_reload(visitors: Visitors, service: Deployment) -> None:
    ann, bob = await _enter(visitors, service, "ann"), await _enter(visitors, service, "bob")
    await _begin(ann, "bob")
    await _say(ann, "hello")
    await bob.locator("#conversations button").click()
    await expect(ann.locator(".tick")).to_have_text(["✓✓"])
    await ann.reload()
    await expect(ann.locator(".tick")).to_have_text(["✓✓"])


async def test_a_bad_token_is_said_in_words(visitors: Visitors, service: Deployment) -> None:
    page = await visitors.open(f"{service.url}/chat")
    await page.get_by_label("Login token").fill("nonsense")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator("#sign-in-outcome")).to_contain_text("token")
    await expect(page.locator("#chat")).to_be_hidden()
    await page.get_by_label("Login token").fill(service.token("ann"))
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator("#connection-text")).to_have_text("live")
    await _begin(page, "ann@home", works=False)
    await expect(page.locator("#new-outcome")).to_contain_text("User ids are letters")


async def test_a_phone_shows_one_pane_and_does_not_scroll_sideways(
    visitors: Visitors, service: Deployment
) -> None:
    ann = await _enter(visitors, service, "ann", width=360, height=640)
    await _begin(ann, "b" * 64)
    await _say(ann, "W" * 600)
    await _say(ann, "short")
    await expect(ann.locator("#new-button")).to_be_hidden()
    await _does_not_scroll_sideways(ann)
    assert await ann.locator("#scroller").evaluate("it => it.scrollWidth <= it.clientWidth")
    await expect(ann.locator("#messages li").last).to_be_in_viewport()
    await ann.go_back()
    await expect(ann.locator("#thread")).to_be_hidden()
    await expect(ann.locator("#conversations button")).to_contain_text("You: short")
    await _does_not_scroll_sideways(ann)
    await ann.locator("#conversations button").click()
    await ann.get_by_role("button", name="Back to the conversations").click()
    await expect(ann.locator("#conversations")).to_be_visible()


async def _enter(
    visitors: Visitors, service: Deployment, uid: str, *, width: int = 1200, height: int = 720
) -> Page:
    address = f"{service.url}/chat#token={service.token(uid)}"
    page = await visitors.open(address, width=width, height=height)
    await expect(page.locator("#connection-text")).to_have_text("live")
    await expect(page.locator("#me")).to_have_text(uid)
    return page


async def _begin(page: Page, uids: str, group: str = "", *, works: bool = True) -> None:
    await page.get_by_role("button", name="New conversation").click()
    await page.get_by_label("With whom").fill(uids)
    await page.get_by_label("Name of the group").fill(group)
    await page.get_by_role("button", name="Begin").click()
    if works:
        await expect(page.locator("#thread")).to_be_visible()


async def _say(page: Page, text: str) -> None:
    box = page.get_by_label("Your message")
    await box.fill(text)
    await box.press("Enter")
    await expect(box).to_have_value("")


async def _image(page: Page, url: str) -> None:
    """With what is written already."""
    if await page.locator("#image-row").is_hidden():
        await page.get_by_role("button", name="Image", exact=True).click()
    await page.get_by_label("Address of an image").fill(url)
    await page.get_by_role("button", name="Send").click()


def _member(page: Page, uid: str) -> Locator:
    return page.locator(f'#members li[data-uid="{uid}"]')


async def _do(page: Page, uid: str, act: str) -> None:
    """What staff can do with a member."""
    await page.get_by_role("button", name=f"What to do with {uid}").click()
    await page.get_by_role("button", name=f"{act}: {uid}").click()


async def _only_reads(route: Route) -> None:
    if route.request.method == "GET":
        await route.fallback()
    else:
        await route.abort("connectionrefused")


def _words(page: Page) -> Locator:
    return page.locator("#messages .words")


async def _does_not_scroll_sideways(page: Page) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
