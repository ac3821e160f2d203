"""The chat page before the real service: browsers that talk, real processes."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator

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


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """For all tests, each of which has people of its own."""
    async with serving(tmp_path_factory.mktemp("chat")) as service:
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
        await expect(page.locator("#messages time").last).to_have_text(re.compile(r"^(\S+ )?\d\d:\d\d$"))
        assert await page.locator("#chat img").count() == 0
        await expect(page).to_have_title("Chat · Danmaku")


async def test_who_was_away_catches_up_and_what_is_taken_back_is_gone(
    visitors: Visitors, service: Deployment
) -> None:
    amy, ben = await _enter(visitors, service, "amy"), await _enter(visitors, service, "ben")
    await _begin(amy, "ben")
    await _say(amy, "one")
    await ben.locator("#conversations button").click()
    await expect(_words(ben)).to_have_text(["one"])
    await ben.close()
    for text in ("two", "a secret", "four"):
        await _say(amy, text)
    await amy.locator("li.own", has_text="a secret").get_by_role("button", name="Take back").click()
    await expect(_words(amy)).to_have_text(["one", "two", "four"])
    await expect(amy.locator(".note:visible")).to_have_text(["A message was taken back"])

    ben = await _enter(visitors, service, "ben")
    await expect(ben.locator("#conversations .unread")).to_contain_text("unread")
    await ben.locator("#conversations button").click()
    await expect(_words(ben)).to_have_text(["one", "two", "four"])
    await _say(amy, "a slip")
    await expect(_words(ben)).to_have_text(["one", "two", "four", "a slip"])
    await amy.locator("li.own", has_text="a slip").get_by_role("button", name="Take back").click()
    await expect(_words(ben)).to_have_text(["one", "two", "four"])
    await expect(ben.locator("#conversations")).not_to_contain_text("slip")
    await expect(ben.locator("#thread")).not_to_contain_text("slip")
    await expect(ben.locator("body")).not_to_contain_text("a slip")
    await expect(ben.locator("body")).not_to_contain_text("secret")


async def test_a_connection_that_was_lost_misses_nothing(visitors: Visitors, service: Deployment) -> None:
    ada, bill = await _enter(visitors, service, "ada"), await _enter(visitors, service, "bill")
    await _begin(ada, "bill")
    await _say(ada, "before")
    await bill.locator("#conversations button").click()
    await expect(_words(bill)).to_have_text(["before"])
    elsewhere = await bill.context.new_page()  # the same device: the newer page takes the place of the older
    await elsewhere.goto(f"{service.url}/chat#token={service.token('bill')}")
    await expect(bill.locator("#connection-text")).to_contain_text("Replaced by a newer connection")
    for text in ("one", "two", "three"):
        await _say(ada, text)
    await bill.locator("#connection-button").click()
    await expect(_words(bill)).to_have_text(["before", "one", "two", "three"])


async def test_a_long_conversation_is_read_page_by_page(visitors: Visitors, service: Deployment) -> None:
    token, texts = service.token("boris"), [f"message {number}" for number in range(1, 121)]
    for text in texts:
        body = {"to": "alma", "cid": text.replace(" ", "-"), "body": [{"type": "text", "text": text}]}
        status, answer = await service.call("POST", "/v1/chat/messages", body, token)
        assert status == 200, answer
    alma = await _enter(visitors, service, "alma")
    row = alma.locator("#conversations button")
    await expect(row.locator(".unread")).to_contain_text("120 unread")
    await row.click()
    await expect(_words(alma)).to_have_text(texts[70:])
    await expect(alma.locator("#messages li").last).to_be_in_viewport()
    await expect(row.locator(".unread")).to_have_count(0)
    earlier = alma.get_by_role("button", name="Earlier messages")
    await earlier.click()
    await expect(_words(alma)).to_have_text(texts[20:])
    await earlier.click()
    await expect(_words(alma)).to_have_text(texts)
    await expect(earlier).to_be_hidden()


async def test_a_group_with_mentions_members_and_images(visitors: Visitors, service: Deployment) -> None:
    aki, bela = await _enter(visitors, service, "aki"), await _enter(visitors, service, "bela")
    await _begin(aki, "bela", group="The <b>crew</b>")
    await expect(aki.locator("#thread-name")).to_have_text("The <b>crew</b>")
    await aki.get_by_role("button", name="Members").click()
    await expect(aki.locator("#members li")).to_have_text(["akiowner", re.compile("belamemberMention")])
    await aki.get_by_label("Invite a user").fill("not an id")
    await aki.get_by_role("button", name="Invite", exact=True).click()
    await expect(aki.locator("#members-outcome")).to_contain_text("User ids are letters")
    await aki.get_by_role("button", name="Mention bela").click()
    await aki.get_by_label("Your message").press_sequentially("look")
    await _image(aki, "javascript:alert(1)")
    await expect(aki.locator("#outcome")).to_contain_text("begins with http")
    await _image(aki, "http://pictures.test/dot.png")
    await expect(aki.get_by_label("Your message")).to_have_value("")

    asked: list[str] = []

    async def picture(route: Route) -> None:
        asked.append(route.request.url)
        await route.fulfill(body=DOT, content_type="image/png")

    await bela.route("http://pictures.test/**", picture)
    await expect(bela.locator("#conversations .unread.mention")).to_contain_text("1 mention you")
    await bela.locator("#conversations button").click()
    await expect(bela.locator("mark")).to_have_text(["@bela"])
    assert asked == []  # nobody learns that a message is looked at
    await bela.get_by_role("button", name="Show the image from pictures.test").click()
    image = bela.locator("#messages img")
    await expect(image).to_have_js_property("naturalWidth", 1)
    assert asked == ["http://pictures.test/dot.png"]

    async with bela.expect_response("**/v1/groups/*"):  # which would be a 403 if he had left by then
        await bela.get_by_role("button", name="Members").click()
    await bela.get_by_role("button", name="Leave the group").click()
    await expect(bela.locator("#thread")).to_be_hidden()
    await expect(bela.locator("#conversations button")).to_have_count(0)
    await expect(aki.locator(".note").last).to_have_text("bela left")


async def test_staff_looks_after_a_group(visitors: Visitors, service: Deployment) -> None:
    alice = await _enter(visitors, service, "alice", width=360, height=640)
    bert = await _enter(visitors, service, "bert")
    await _begin(alice, "bert, cleo", group="Crew")
    await alice.get_by_role("button", name="Members").click()
    await expect(alice.get_by_role("button", name="Dissolve")).to_be_visible()
    await expect(alice.get_by_role("button", name="Leave the group")).to_be_hidden()
    await _do(alice, "bert", "Make admin")
    await expect(_member(alice, "bert")).to_contain_text("admin")
    await _do(alice, "cleo", "Mute for an hour")
    await expect(_member(alice, "cleo")).to_have_text(re.compile(r"member, muted until \S*\d\d:\d\d"))
    cleo = await _enter(visitors, service, "cleo")
    await cleo.locator("#conversations button", has_text="Crew").click()
    await cleo.get_by_label("Your message").fill("may I?")
    await cleo.get_by_label("Your message").press("Enter")
    await expect(cleo.locator("#outcome")).to_have_text("You are muted for another 60 min")
    await _do(alice, "cleo", "Let speak again")
    await expect(_member(alice, "cleo")).not_to_contain_text("muted")
    await expect(cleo.locator("#outcome")).to_have_text("")
    await _does_not_scroll_sideways(alice)
    assert await alice.locator("#members-dialog").evaluate("it => it.scrollWidth <= it.clientWidth")

    await alice.get_by_label("Only owner and admins may speak").check()
    await expect(alice.locator(".note").last).to_have_text("alice lets only staff speak")
    name = alice.get_by_label("Rename the group")
    await name.fill("The crew")
    await name.press("Enter")
    await expect(alice.locator("#thread-name")).to_have_text("The crew")

    await bert.locator("#conversations button").click()
    await expect(bert.locator(".note").last).to_have_text("alice renamed the group to “The crew”")
    await bert.get_by_role("button", name="Members").click()
    await expect(bert.get_by_role("button", name="Dissolve")).to_be_hidden()
    await expect(bert.get_by_role("button", name="What to do with alice")).to_have_count(0)
    await bert.get_by_label("Only owner and admins may speak").uncheck()
    await _do(bert, "cleo", "Send away")
    await bert.get_by_role("button", name="Cancel").click()
    await expect(_member(bert, "cleo")).to_have_count(1)
    await bert.keyboard.press("Escape")  # by keyboard alone, from the dialog's button on
    await bert.get_by_role("button", name="Members").focus()
    await bert.keyboard.press("Enter")
    await bert.get_by_role("button", name="What to do with cleo").focus()
    await bert.keyboard.press("Enter")
    for _ in range(3):
        await bert.keyboard.press("Tab")
    await bert.keyboard.press("Enter")
    await bert.keyboard.press("Tab")
    await bert.keyboard.press("Enter")
    await expect(_member(bert, "cleo")).to_have_count(0)
    await expect(alice.locator(".note").last).to_have_text("bert sent cleo away")

    await _do(alice, "bert", "Hand over")
    await alice.locator("#confirm-yes").click()
    await expect(_member(alice, "bert")).to_contain_text("owner")
    await expect(alice.get_by_role("button", name="Dissolve")).to_be_hidden()
    await expect(alice.get_by_role("button", name="Leave the group")).to_be_visible()
    await bert.get_by_role("button", name="Dissolve").click()
    await bert.locator("#confirm-yes").click()
    await expect(bert.locator("#staff")).to_be_hidden()
    await expect(alice.locator(".note").last).to_have_text("bert dissolved the group")


async def test_who_is_sent_away_is_told_so_and_keeps_what_he_wrote(
    visitors: Visitors, service: Deployment
) -> None:
    olga, dan = await _enter(visitors, service, "olga"), await _enter(visitors, service, "dan")
    await _begin(olga, "dan", group="Friends")
    await _say(olga, "hello all")
    await dan.locator("#conversations button").click()
    box, over = dan.get_by_label("Your message"), dan.locator("#over")
    await box.fill("half a sen")
    await olga.get_by_role("button", name="Members").click()
    await _do(olga, "dan", "Send away")
    await olga.locator("#confirm-yes").click()

    await expect(over).to_have_text("olga sent you away from Friends")
    await expect(_words(dan)).to_have_text(["hello all"])
    await expect(box).to_have_value("half a sen")
    await expect(box).not_to_be_editable()
    await box.press("Enter")
    await expect(dan.locator("#outcome")).to_have_text("")
    for name in ("Send", "Image", "Members"):
        await expect(dan.get_by_role("button", name=name, exact=True)).to_be_hidden()
    await expect(dan.locator("#conversations button")).to_have_count(1)

    await _begin(dan, "olga")
    await expect(box).to_be_editable()
    await _say(dan, "hi olga")
    await expect(over).to_be_hidden()
    await expect(dan.locator("#conversations button .name")).to_have_text(["olga"])
    await olga.get_by_label("Invite a user").fill("dan")
    await olga.get_by_role("button", name="Invite", exact=True).click()
    await dan.locator("#conversations button", has_text="Friends").click()
    await expect(box).to_be_editable()
    await expect(box).to_have_value("half a sen")
    await expect(over).to_be_hidden()

    await dan.locator("#conversations button", has_text="hi olga").click()
    await _do(olga, "dan", "Send away")
    await olga.locator("#confirm-yes").click()
    row = dan.locator("#conversations button", has_text="Friends")
    await expect(row).to_contain_text("olga sent dan away")
    await row.click()
    await expect(over).to_have_text("olga sent you away from Friends")
    await dan.locator("#conversations button", has_text="hi olga").click()
    await expect(row).to_have_count(0)


async def test_a_group_that_was_dissolved_is_read_and_left(visitors: Visitors, service: Deployment) -> None:
    otto, dora = await _enter(visitors, service, "otto"), await _enter(visitors, service, "dora")
    await _begin(otto, "dora", group="Friends")
    await _say(otto, "hello all")
    await dora.locator("#conversations button").click()
    box, over = dora.get_by_label("Your message"), dora.locator("#over")
    await expect(box).to_be_visible()
    members = otto.locator("#members-dialog")
    await otto.get_by_role("button", name="Members").click()
    await members.get_by_role("button", name="Dissolve").click()
    await otto.locator("#confirm-yes").click()
    await expect(members.locator("#members-over")).to_have_text("The group was dissolved")
    await expect(members.get_by_role("button", name="Leave the group")).to_be_focused()
    for name in ("Invite", "Mention dora", "What to do with dora"):
        await expect(members.get_by_role("button", name=name, exact=True)).to_be_hidden()
    for page in (otto, dora):
        await expect(page.locator("#over")).to_have_text("The group was dissolved")
        await expect(page.locator("#text")).to_be_hidden()

    await _begin(dora, "otto")
    await expect(box).to_be_visible()
    await dora.locator("#conversations button", has_text="Friends").click()
    await expect(over).to_be_visible()
    await dora.reload()
    await expect(over).to_have_text("The group was dissolved")
    await expect(box).to_be_hidden()
    await expect(_words(dora)).to_have_text(["hello all"])
    async with dora.expect_response("**/v1/groups/*"):
        await dora.get_by_role("button", name="Members").click()
    await dora.get_by_role("button", name="Leave the group").click()
    await expect(dora.locator("#thread")).to_be_hidden()
    await expect(dora.locator("#conversations button")).to_have_count(0)
    await expect(dora.locator("#nothing")).to_be_visible()


async def test_a_refusal_is_said_and_what_is_shown_is_what_holds(
    visitors: Visitors, service: Deployment
) -> None:
    abel = await _enter(visitors, service, "abel")
    await _begin(abel, "bea", group="Crew")
    await abel.get_by_role("button", name="Members").click()
    staff = abel.get_by_label("Only owner and admins may speak")
    await expect(staff).to_be_visible()
    await abel.route("**/v1/groups/**", _only_reads)
    await staff.click()  # soon it is as it was: to check it would be to see it checked
    await expect(abel.locator("#members-outcome")).to_contain_text("cannot be reached")
    await expect(staff).not_to_be_checked()


async def test_who_is_blocked_cannot_write_until_he_is_let_again(
    visitors: Visitors, service: Deployment
) -> None:
    alf, betty = await _enter(visitors, service, "alf"), await _enter(visitors, service, "betty")
    await _begin(alf, "betty")
    await _say(alf, "hello")
    await betty.locator("#conversations button").click()
    await betty.get_by_role("button", name="Block", exact=True).click()
    await betty.locator("#confirm-yes").click()
    await expect(betty.get_by_role("button", name="Unblock")).to_be_visible()
    await expect(betty.locator("#outcome")).to_have_text("Blocked: alf")
    box = alf.get_by_label("Your message")
    await box.fill("let me in")
    await box.press("Enter")
    await expect(alf.locator("#outcome")).to_contain_text("does not take private messages from you")
    await expect(box).to_have_value("let me in")
    await betty.reload()
    await betty.get_by_role("button", name="Unblock").click()
    await expect(betty.get_by_role("button", name="Block", exact=True)).to_be_visible()
    await expect(betty.locator("#outcome")).to_have_text("No longer blocked: alf")
    await box.press("Enter")
    await expect(_words(betty)).to_have_text(["hello", "let me in"])


async def test_what_was_read_is_known_after_a_reload(visitors: Visitors, service: Deployment) -> None:
    anton, bruno = await _enter(visitors, service, "anton"), await _enter(visitors, service, "bruno")
    await _begin(anton, "bruno")
    await _say(anton, "hello")
    await bruno.locator("#conversations button").click()
    await expect(anton.locator(".tick")).to_have_text(["✓✓"])
    await anton.reload()
    await expect(anton.locator(".tick")).to_have_text(["✓✓"])


async def test_a_bad_token_is_said_in_words(visitors: Visitors, service: Deployment) -> None:
    page = await visitors.open(f"{service.url}/chat")
    await page.get_by_label("Login token").fill("nonsense")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator("#sign-in-outcome")).to_contain_text("token")
    await expect(page.locator("#chat")).to_be_hidden()
    await page.get_by_label("Login token").fill(service.token("asa"))
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator("#connection-text")).to_have_text("live")
    await _begin(page, "asa@home", works=False)
    await expect(page.locator("#new-outcome")).to_contain_text("User ids are letters")


async def test_a_phone_shows_one_pane_and_does_not_scroll_sideways(
    visitors: Visitors, service: Deployment
) -> None:
    agnes = await _enter(visitors, service, "agnes", width=360, height=640)
    await _begin(agnes, "b" * 64)
    await _say(agnes, "W" * 600)
    await _say(agnes, "short")
    await expect(agnes.locator("#new-button")).to_be_hidden()
    await _does_not_scroll_sideways(agnes)
    assert await agnes.locator("#scroller").evaluate("it => it.scrollWidth <= it.clientWidth")
    await expect(agnes.locator("#messages li").last).to_be_in_viewport()
    await agnes.go_back()
    await expect(agnes.locator("#thread")).to_be_hidden()
    await expect(agnes.locator("#conversations button")).to_contain_text("You: short")
    await _does_not_scroll_sideways(agnes)
    await agnes.locator("#conversations button").click()
    await agnes.get_by_role("button", name="Back to the conversations").click()
    await expect(agnes.locator("#conversations")).to_be_visible()


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
        await expect(page.get_by_label("Your message")).to_be_focused()


async def _say(page: Page, text: str) -> None:
    box = page.get_by_label("Your message")
    await box.fill(text)
    await box.press("Enter")
    await expect(page.locator("#messages .own .words").last).to_have_text(text)


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
