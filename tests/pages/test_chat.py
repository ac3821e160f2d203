"""The chat page before the real service: browsers that talk, real processes."""

from __future__ import annotations

import base64
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
        assert await page.title() == "Chat · Danmaku"


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
    await expect(ann.locator("#members li")).to_have_text(["annowner", "bobmemberMention"])
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

    await bob.get_by_role("button", name="Members").click()
    await bob.get_by_role("button", name="Leave the group").click()
    await expect(bob.locator("#thread")).to_be_hidden()
    await expect(bob.locator("#conversations button")).to_have_count(0)
    await expect(ann.locator(".note").last).to_have_text("bob left")


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


def _words(page: Page) -> Locator:
    return page.locator("#messages .words")


async def _does_not_scroll_sideways(page: Page) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
