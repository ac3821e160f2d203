"""The streamer's studio: one room, from its opening to its end, as its viewers see it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, WebSocketRoute, expect

from tests.pages.conftest import Visitors
from tests.system.deployment import Deployment, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNANSWERED = "No answer came: press Send to try again"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    async with serving(tmp_path_factory.mktemp("studio")) as running:
        yield running


class Network:
    """Of a page: while it stalls nothing comes, and nobody says so; what is sent arrives all the same."""

    stalls = False

    async def hold(self, page: Page) -> None:
        await page.route_web_socket("**/v1/ws", self._join)
        await page.route("**/v1/rooms/*/messages", self._carry)

    def _join(self, here: WebSocketRoute) -> None:
        there = here.connect_to_server()
        there.on_message(lambda message: None if self.stalls else here.send(message))

    async def _carry(self, route: Route) -> None:
        if self.stalls:
            await route.fetch()
        else:
            await route.continue_()


async def studio(visitors: Visitors, service: Deployment, room: str, role: str = "streamer") -> Page:
    token = service.token("mira", role, room)
    page = await visitors.open(f"{service.url}/studio?room={room}#token={token}", width=1280, height=900)
    await expect(page.locator("#connection-text")).to_have_text("live")
    return page


async def viewer(visitors: Visitors, service: Deployment, room: str) -> Page:
    page = await visitors.open(f"{service.url}/?room={room}#token={service.token('ann', 'viewer')}")
    await expect(page.locator("#connection-text")).to_have_text("live")
    return page


async def say(page: Page, text: str) -> None:
    await page.locator("#say-text").fill(text)
    await page.locator("#say button[type=submit]").click()
    await expect(page.locator("#say-text")).to_have_value("")


async def test_what_is_said_goes_both_ways(visitors: Visitors, service: Deployment) -> None:
    page = await studio(visitors, service, "talk")
    ann = await viewer(visitors, service, "talk")
    await say(page, "welcome <b>everybody</b>")
    await expect(ann.locator("#list .text").last).to_have_text("welcome <b>everybody</b>")
    await ann.locator("#text").fill("hello from ann")
    await ann.locator("#text").press("Enter")
    await expect(page.locator(".entry .text").last).to_have_text("hello from ann")
    await expect(page.locator("#figure-viewers")).to_have_text("2")
    await expect(page.locator("#figure-rate")).not_to_have_text("–")
    await expect(page.locator("#chart svg")).to_have_attribute(
        "aria-label", "2 viewers and 0.2 comments a second now"
    )


async def test_an_announcement_is_pinned_and_taken_down(visitors: Visitors, service: Deployment) -> None:
    page = await studio(visitors, service, "pins")
    ann = await viewer(visitors, service, "pins")
    await page.get_by_role("radio", name="Announcement").check()
    await page.locator("#say-pin").select_option("300")
    await say(page, "back in five minutes")
    await expect(ann.locator("#pins li")).to_contain_text("back in five minutes")
    await expect(page.locator("#pinned-text")).to_have_text("back in five minutes")
    await page.locator("#unpin").click()
    await expect(page.locator("#pinned")).to_be_hidden()
    await expect(ann.locator("#pins")).to_be_hidden()


async def test_a_pinned_announcement_that_is_taken_back_is_pinned_no_longer(
    visitors: Visitors, service: Deployment
) -> None:
    page = await studio(visitors, service, "recalls")
    await page.get_by_role("radio", name="Announcement").check()
    await page.locator("#say-pin").select_option("300")
    await say(page, "said too early")
    await expect(page.locator("#pinned-text")).to_have_text("said too early")
    token = service.token("mira", "streamer", "recalls")
    answer = await page.request.post(
        f"{service.url}/v1/admin/rooms/recalls/clear", headers={"Authorization": f"Bearer {token}"}, data={}
    )
    assert answer.ok
    await expect(page.locator("#pinned")).to_be_hidden()


async def test_who_is_sent_out_reads_why_and_comes_in_again(visitors: Visitors, service: Deployment) -> None:
    page = await studio(visitors, service, "out")
    await expect(page.locator("#figure-viewers")).to_have_text("1")
    admin = service.token("root", "admin")
    gone = {"uid": "mira", "reason": "rest"}
    status, _ = await service.call("POST", "/v1/admin/rooms/out/kicks", gone, admin)
    assert status == 200
    why = "You were sent out of the room: rest"
    await expect(page.locator("#room-outcome")).to_have_text(why)
    await expect(page.locator("#connection-text")).to_have_text(f"refused: {why}")  # it is not live
    await expect(page.locator("#figure-viewers")).to_have_text("–")
    await page.get_by_role("button", name="Come in").press("Enter")
    await expect(page.locator("#connection-text")).to_have_text("live")
    await expect(page.locator("#say-text")).to_be_focused()
    await expect(page.locator("#room-outcome")).to_be_empty()
    await say(page, "here I am again")
    await expect(page.locator(".entry .text").last).to_have_text("here I am again")
    await expect(page.get_by_role("button", name="Come in")).to_be_hidden()


async def test_who_is_banned_is_told_why_he_does_not_come_in(visitors: Visitors, service: Deployment) -> None:
    page = await studio(visitors, service, "banned", "viewer")
    await expect(page.locator("#figure-viewers")).to_have_text("1")
    ban: dict[str, object] = {"uid": "mira", "seconds": 3600, "reason": "spam"}
    admin = service.token("root", "admin")
    assert (await service.call("POST", "/v1/admin/rooms/banned/bans", ban, admin))[0] == 200
    outcome = page.locator("#room-outcome")
    await expect(outcome).to_have_text("You are banned for 60 min: spam")
    ban["reason"] = "spam twice"
    assert (await service.call("POST", "/v1/admin/rooms/banned/bans", ban, admin))[0] == 200
    await page.get_by_role("button", name="Come in").click()
    await expect(outcome).to_have_text(re.compile("You are banned for .*: spam twice"))
    await expect(page.locator("#connection-text")).to_contain_text("refused: You are banned")
    assert (await service.call("DELETE", "/v1/admin/rooms/banned/bans/mira", None, admin))[0] == 200
    await page.get_by_role("button", name="Come in").click()
    await expect(outcome).to_be_empty()
    await expect(page.locator("#connection-text")).to_have_text("live")
    visitors.complaints.clear()  # the browser itself tells of what may not be read


async def test_who_is_banned_everywhere_reads_that_and_why_wherever_he_tries(
    visitors: Visitors, service: Deployment
) -> None:
    token = service.token("nora", "streamer", "barred")
    page = await visitors.open(f"{service.url}/studio?room=barred#token={token}")
    await expect(page.locator("#figure-viewers")).to_have_text("1")
    ban = {"uid": "nora", "reason": "broke the rules"}
    assert (await service.call("POST", "/v1/admin/bans", ban, service.token("root", "admin")))[0] == 200
    why = "You are banned: broke the rules"
    await expect(page.locator("#connection-text")).to_have_text(f"refused: {why}")
    for kind in ("Comment", "Announcement"):
        await page.get_by_role("radio", name=kind).check()
        await page.locator("#say-text").fill(kind)
        await page.locator("#say-text").press("Enter")
        await expect(page.locator("#say-outcome")).to_have_text(why)
        await expect(page.locator("#say-text")).to_have_value(kind)
    await page.locator("#gift-name").fill("Lantern")
    await page.get_by_role("button", name="Show it").click()
    await expect(page.locator("#gift-outcome")).to_have_text(why)
    await page.locator("#poll-question").fill("Which song?")
    for number in (0, 1):
        await page.locator(f"#poll-option-{number}").fill(f"song {number}")
    await page.get_by_role("button", name="Ask it").click()
    await expect(page.locator("#poll .outcome")).to_have_text(why)
    await expect(page.locator(".toast")).to_have_count(0)
    visitors.complaints.clear()  # the browser itself tells of what is refused


async def test_which_rules_hold_now_is_said(visitors: Visitors, service: Deployment) -> None:
    page = await studio(visitors, service, "rules")
    await expect(page.locator("#figure-viewers")).to_have_text("1")  # it is in, and knows which rules hold
    token = service.token("mira", "streamer", "rules")
    rules = {"slow_s": 7, "links": "refuse"}
    status, _ = await service.call("PATCH", "/v1/admin/rooms/rules/settings", rules, token)
    assert status == 200
    told = "New rules here: slow mode, 7 s between two comments, no links"
    await expect(page.locator(".entry.note .text").last).to_have_text(told)


async def test_what_is_sent_twice_at_once_is_done_once(visitors: Visitors, service: Deployment) -> None:
    page = await studio(visitors, service, "twice")
    await page.locator("#gift-name").fill("Lantern")
    await page.locator("#gift-form").evaluate("form => { form.requestSubmit(); form.requestSubmit() }")
    await expect(page.locator(".toast")).to_have_count(1)
    await say(page, "thanks")
    await expect(page.locator(".entry .text").last).to_have_text("thanks")
    await expect(page.locator(".entry.gift")).to_have_count(1)


async def test_a_gift_that_nobody_answered_is_shown_once_whatever_is_said_meanwhile(
    visitors: Visitors, service: Deployment
) -> None:
    page = await studio(visitors, service, "lantern")
    tries = 0

    async def lose(route: Route) -> None:
        nonlocal tries
        tries += 1
        await route.fetch()  # it is shown, and nobody hears of it
        await route.abort()

    await page.route("**/v1/rooms/lantern/messages", lose)
    await page.locator("#gift-name").fill("Lantern")
    await page.get_by_role("button", name="Show it").click()
    await expect(page.locator("#gift-outcome")).to_contain_text("cannot be reached")
    assert tries > 0
    visitors.complaints.clear()  # the browser itself tells of lost calls
    await page.unroute("**/v1/rooms/lantern/messages")
    await say(page, "thanks")
    await page.get_by_role("button", name="Show it").click()
    await expect(page.locator(".toast").last).to_have_text("The gift is shown.")
    await expect(page.locator("#gift-outcome")).to_be_empty()
    await say(page, "thanks again")
    await expect(page.locator(".entry .text").last).to_have_text("thanks again")
    await expect(page.locator(".entry.gift")).to_have_count(1)


async def test_on_a_network_that_stalls_it_is_said_that_no_answer_came_and_nothing_is_there_twice(
    visitors: Visitors, service: Deployment
) -> None:
    network = Network()
    page = await visitors.open("about:blank")
    await network.hold(page)
    await page.goto(f"{service.url}/studio?room=stall#token={service.token('mira', 'streamer', 'stall')}")
    await expect(page.locator("#figure-viewers")).to_have_text("1")
    network.stalls = True
    await page.locator("#gift-name").fill("Lantern")
    await page.get_by_role("button", name="Show it").click()
    await page.locator("#say-text").fill("thanks")
    await page.locator("#say-text").press("Enter")
    box, outcome = page.locator("#say-text"), page.locator("#say-outcome")
    await expect(box).to_have_value("")
    await expect(box).to_have_attribute("placeholder", "thanks")  # it is under way
    await box.press_sequentially("and more")
    await expect(page.locator("#gift-outcome")).to_have_text("No answer came in time")
    await expect(outcome).to_have_text(f"{UNANSWERED}: thanks")
    await expect(page.locator("#connection-text")).to_have_text("no answer")
    await box.press("Enter")
    await expect(outcome).to_have_text("Not connected: sent if that ends within 10 s")
    network.stalls = False
    await expect(page.locator("#connection-text")).to_have_text("live")
    await expect(outcome).to_be_empty()
    await expect(box).to_have_value("and more")
    await page.get_by_role("button", name="Show it").click()
    await expect(page.locator(".toast").last).to_have_text("The gift is shown.")
    await expect(page.locator(".entry.gift")).to_have_count(1)
    await expect(page.locator(".entry .text", has_text="thanks")).to_have_count(1)
    visitors.complaints.clear()  # the browser itself tells of lost calls


async def test_what_nobody_answered_is_there_once_also_where_one_was_sent_out_meanwhile(
    visitors: Visitors, service: Deployment
) -> None:
    network = Network()
    page = await visitors.open("about:blank")
    await network.hold(page)
    await page.goto(f"{service.url}/studio?room=gone#token={service.token('mira', 'streamer', 'gone')}")
    await expect(page.locator("#figure-viewers")).to_have_text("1")
    network.stalls = True
    box, outcome = page.locator("#say-text"), page.locator("#say-outcome")
    await box.fill("thanks")
    await box.press("Enter")
    await expect(outcome).to_have_text(UNANSWERED)
    await expect(box).to_have_value("thanks")
    network.stalls = False
    await expect(page.locator("#connection-text")).to_have_text("live")
    admin = service.token("root", "admin")
    assert (await service.call("POST", "/v1/admin/rooms/gone/kicks", {"uid": "mira"}, admin))[0] == 200
    await expect(page.locator("#room-outcome")).to_contain_text("You were sent out")
    await box.press("Enter")
    await expect(box).to_have_value("thanks")
    await page.get_by_role("button", name="Come in").click()
    await expect(page.locator("#connection-text")).to_have_text("live")
    await box.press("Enter")
    await expect(box).to_have_value("")
    await say(page, "and more")
    await expect(page.locator(".entry .text")).to_have_text(["thanks", "and more"])


async def test_what_waits_stays_with_its_room_where_one_goes_to_another(
    visitors: Visitors, service: Deployment
) -> None:
    network = Network()
    page = await visitors.open("about:blank")
    await network.hold(page)
    await page.goto(f"{service.url}/studio?room=here#token={service.token('mira', 'streamer', 'here')}")
    await expect(page.locator("#figure-viewers")).to_have_text("1")
    network.stalls = True
    box, outcome = page.locator("#say-text"), page.locator("#say-outcome")
    await box.fill("for here")
    await box.press("Enter")
    await box.press_sequentially("only")
    await page.get_by_role("button", name="another room").click()
    kept = "No answer came from here: “for here” is kept there"
    await expect(page.locator(".toast.bad")).to_have_text(kept)
    network.stalls = False
    await page.locator("#choose-room").fill("there")
    await page.locator("#choose-room").press("Enter")
    await expect(page.locator("#connection-text")).to_have_text("live")
    await expect(box).to_have_value("")
    await expect(outcome).to_be_empty()
    await say(page, "for there")
    await expect(page.locator(".entry .text")).to_have_text(["for there"])
    await box.fill("half a sen")
    await page.go_back()
    await expect(page.locator("#room-name")).to_have_text("here")
    await expect(box).to_have_value("only")
    await expect(outcome).to_have_text(f"{UNANSWERED}: for here")
    await expect(page.locator("#connection-text")).to_have_text("live")
    await box.press("Enter")
    await expect(outcome).to_be_empty()
    await expect(box).to_have_value("only")
    await box.press("Enter")
    await expect(page.locator(".entry .text")).to_have_text(["for here", "only"])
    visitors.complaints.clear()  # the browser itself tells of lost calls


async def test_what_is_sent_while_an_announcement_waits_follows_it_and_what_is_refused_comes_back(
    visitors: Visitors, service: Deployment
) -> None:
    page = await studio(visitors, service, "queue")
    goes = asyncio.Event()

    async def hold(route: Route) -> None:
        await goes.wait()
        await route.continue_()

    await page.route("**/v1/rooms/queue/messages", hold)
    box, outcome = page.locator("#say-text"), page.locator("#say-outcome")
    await page.get_by_role("radio", name="Announcement").check()
    await say(page, "one")
    await page.get_by_role("radio", name="Comment").check()
    await box.fill("two")
    await box.press("Enter")
    await expect(box).to_have_value("two")  # it waits for the first one
    await expect(outcome).to_have_text("Still sending…")
    await page.locator("#gift-name").focus()
    goes.set()
    await expect(page.locator(".toast")).to_have_text("The announcement is shown.")
    await expect(page.locator(".entry .text")).to_have_text(["announces: one", "two"])
    await expect(box).to_have_value("")
    await expect(outcome).to_be_empty()
    await expect(page.locator("#gift-name")).to_be_focused()  # where one had gone meanwhile
    goes.clear()
    refusal = {"error": {"error": "blocked_words", "message": "no", "retry_ms": None}}
    await page.unroute("**/v1/rooms/queue/messages")

    async def refuse(route: Route) -> None:
        await goes.wait()
        await route.fulfill(status=422, json=refusal)

    await page.route("**/v1/rooms/queue/messages", refuse)
    await page.get_by_role("radio", name="Announcement").check()
    await say(page, "three")
    await box.press_sequentially("four")
    goes.set()
    await expect(box).to_have_value("three four")
    await expect(outcome).to_have_class("outcome bad")
    await box.press_sequentially("!")
    await expect(box).to_have_value("three four!")
    await expect(outcome).to_be_empty()
    visitors.complaints.clear()  # the browser itself tells of what is refused


async def test_a_poll_is_asked_and_its_totals_move(visitors: Visitors, service: Deployment) -> None:
    page = await studio(visitors, service, "polls")
    ann = await viewer(visitors, service, "polls")
    await page.locator("#poll-question").fill("Which song?")
    await page.locator("#poll-option-0").fill("this one")
    await page.locator("#poll-option-1").fill("that one")
    await page.locator("#poll-time").select_option("300")
    await page.locator("#poll-option-1").press("Enter")
    close = page.get_by_role("button", name="Close the poll")
    await expect(close).to_be_focused()
    await close.evaluate("button => (button.isTheSame = true)")
    await ann.locator("#poll .option").nth(1).click()
    await expect(page.locator("#poll .option").nth(1)).to_contain_text("100 % (1 vote)")
    assert await close.evaluate("button => button.isTheSame")  # a press that votes interrupt is not lost
    end = re.compile(r"1 vote so far · ends at \d+:\d\d:\d\d")
    await expect(page.locator("#poll .hint")).to_have_text(end)
    await page.reload()
    await expect(page.locator("#poll .hint")).to_have_text(end)
    await expect(page.locator("#poll .option").nth(1)).to_contain_text("100 % (1 vote)")
    await page.get_by_role("button", name="Close the poll").click()
    await expect(page.locator("#poll")).to_contain_text("Over, with 1 vote")
    await page.get_by_role("button", name="Ask another one").click()
    await expect(page.locator("#poll-question")).to_be_focused()


async def test_a_gift_is_shown_by_hand_and_pinned_by_its_amount(
    visitors: Visitors, service: Deployment
) -> None:
    page = await studio(visitors, service, "gifts")
    ann = await viewer(visitors, service, "gifts")
    for field, value in {
        "name": "Lantern",
        "count": "8",
        "uid": "bob",
        "amount": "20",
        "currency": "usd",
    }.items():
        await page.locator(f"#gift-{field}").fill(value)
    await page.get_by_role("button", name="Show it").click()
    await expect(page.locator(".toast").last).to_have_text("The gift is shown.")
    await expect(page.locator("#gift-name")).to_have_value("")  # one more press is not one more gift
    await expect(page.locator("#gift-count")).to_have_value("1")
    await expect(ann.locator("#pins li")).to_contain_text("$20.00")
    await expect(page.locator(".entry.gift .text")).to_contain_text("Lantern × 8 $20.00")


async def test_the_room_is_closed_and_opened(visitors: Visitors, service: Deployment) -> None:
    page = await studio(visitors, service, "doors")
    await say(page, "first words")
    await page.locator("#title-field").fill("Harbour nights")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".toast").last).to_have_text("The title is changed.")
    await expect(page.locator("#feed")).to_contain_text("The title is now “Harbour nights”.")
    await page.locator("#room-switch").click()
    await page.locator("#confirm-yes").click()
    await expect(page.locator("#room-state")).to_have_text("closed")
    await page.locator("#say-text").fill("is anybody here?")
    await page.locator("#say-text").press("Enter")
    await expect(page.locator("#say-outcome")).to_have_text("The room is closed")
    await expect(page.locator("#say-text")).to_have_value("is anybody here?")
    await page.locator("#room-switch").click()
    await expect(page.locator("#room-state")).to_have_text("open")
    await page.reload()
    await expect(page.locator("#title-field")).to_have_value("Harbour nights")
    admin = service.token("root", "admin")
    assert (await service.call("PUT", "/v1/rooms/doors", {"title": "Noon"}, admin))[0] == 200
    await expect(page.locator("#title-field")).to_have_value("Noon")
    await expect(page.locator("#connection-text")).to_have_text("live")
    await say(page, "here we are again")


async def test_who_came_to_a_closed_room_comes_in_by_himself_when_it_opens(
    visitors: Visitors, service: Deployment
) -> None:
    page = await studio(visitors, service, "evening")
    ann = await viewer(visitors, service, "evening")
    await page.locator("#room-switch").click()
    await page.locator("#confirm-yes").click()
    await expect(ann.locator("#banners .banner")).to_have_text("The room was closed")
    late = await viewer(visitors, service, "evening")
    await expect(late.locator("#banners .banner")).to_contain_text("This page comes in when it opens")
    await expect(late.locator("#outcome")).to_contain_text("The room is closed")
    overlay = await visitors.open(f"{service.url}/overlay?room=evening")
    await page.locator("#room-switch").click()
    await page.get_by_role("radio", name="Announcement").check()
    await page.locator("#say-pin").select_option("300")
    await say(page, "here we are")
    for one in (ann, late):
        await expect(one.locator("#pins li")).to_contain_text("here we are")
        await expect(one.locator("#banners .banner.sober")).to_have_count(0)
        await expect(one.locator("#outcome")).to_be_empty()
    await expect(overlay.locator(".card")).to_contain_text("here we are")
    assert (
        await late.locator("#list .note", has_text="The room is closed").count() == 1
    )  # however often it asked


async def test_half_a_title_is_kept_and_another_room_is_a_press_away(
    visitors: Visitors, service: Deployment
) -> None:
    page = await studio(visitors, service, "first")
    title = page.locator("#title-field")
    token = service.token("mira", "streamer", "first")
    for news in ("Told by another", "Told once more"):
        status, _ = await service.call("PUT", "/v1/rooms/first", {"title": news}, token)
        assert status == 200
        if news == "Told by another":
            await page.reload()
            await expect(title).to_have_value(news)
            await title.fill("Half a ti")
            await page.locator("#say-text").focus()
    await page.locator("#room-switch").click()
    await page.locator("#confirm-yes").click()
    await expect(page.locator("#room-state")).to_have_text("closed")
    await expect(title).to_have_value("Half a ti")
    await page.get_by_role("button", name="another room").click()
    await expect(page.locator("#choose-room")).to_be_focused()
    await expect(page).to_have_title("Studio · Danmaku")
    await page.go_back()
    await expect(page).to_have_title("first · Studio · Danmaku")
    await expect(title).to_have_value("Told once more")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_title("Studio · Danmaku")


async def test_moderators_are_appointed_and_dismissed(visitors: Visitors, service: Deployment) -> None:
    page = await studio(visitors, service, "staff")
    await page.locator("#moderator").fill("kenji")
    await page.get_by_role("button", name="Make a moderator").click()
    await expect(page.locator("#moderators li")).to_contain_text("kenji")
    await page.get_by_role("button", name="Dismiss").click()
    await expect(page.locator("#moderators")).to_contain_text("Nobody was appointed here.")


async def test_the_longest_names_stay_within_a_phone(visitors: Visitors, service: Deployment) -> None:
    room, uid = "r" * 64, "m" * 64
    page = await studio(visitors, service, room)
    token = service.token("mira", "streamer", room)
    poll = {"question": "q" * 200, "options": [letter * 100 for letter in "abcdefghij"], "cid": "long"}
    assert (await service.call("POST", f"/v1/rooms/{room}/polls", poll, token))[0] == 200
    assert (await service.call("PUT", f"/v1/admin/rooms/{room}/moderators/{uid}", {}, token))[0] == 200
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.reload()
    await expect(page.locator("#poll .option")).to_have_count(10)
    await expect(page.locator("#moderators li")).to_contain_text(uid)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_what_can_be_done_about_the_connection_has_place_on_a_phone(
    visitors: Visitors, service: Deployment
) -> None:
    token = service.token("mira", "streamer", "harbour-nights")
    page = await visitors.open(f"{service.url}/studio", width=390, height=844, locale="zh-CN")
    await page.goto(f"{service.url}/studio?room=harbour-nights#token={token}")
    await expect(page.locator("#figure-viewers")).to_have_text("1")
    await expect(page.locator("#room-state")).to_be_visible()
    out, lines = await page.evaluate(
        """() => {
            const box = document.querySelector("#connection");
            const button = document.querySelector("#connection-button");
            box.dataset.phase = "waiting";
            document.querySelector("#connection-text").textContent = "正在重连，12 秒后";
            button.hidden = false;
            button.textContent = "立即重连";
            const text = document.createRange();
            text.selectNodeContents(button);
            const beside = document.querySelector("#preferences-button").getBoundingClientRect();
            return [text.getBoundingClientRect().right - beside.left, text.getClientRects().length];
        }"""
    )
    assert (out <= 0, lines) == (True, 1)


async def test_links_lead_to_the_room(visitors: Visitors, service: Deployment) -> None:
    page = await studio(visitors, service, "links")
    links = [await page.locator(f"#link-{name}").input_value() for name in ("watch", "overlay", "console")]
    assert links == [f"{service.url}/{path}?room=links" for path in ("", "overlay", "console")]


async def test_which_room_is_asked_and_who_may_not_is_told(visitors: Visitors, service: Deployment) -> None:
    page = await visitors.open(f"{service.url}/studio#token={service.token('mira', 'streamer', 'mine')}")
    await expect(page.locator("#choose-room")).to_have_value("mine")
    await page.locator("#choose-room").fill("what is this")
    await page.get_by_role("button", name="Open the studio").click()
    await expect(page.locator("#choose-outcome")).to_contain_text("A room's name has")
    await page.locator("#choose-room").fill("others")
    await page.get_by_role("button", name="Open the studio").click()
    await expect(page.locator("#connection-text")).to_have_text("live")
    await expect(page.locator("#room-hint")).to_contain_text("You watch and comment here")
    await expect(page.locator("#title-form")).to_be_hidden()
    await expect(page.locator("#room-switch")).to_be_hidden()
    await expect(page.locator("#poll")).to_have_text("Nothing is asked now.")
    for staff_only in ("#gift-card", "#say-kinds", "#moderators-card"):
        await expect(page.locator(staff_only)).to_be_hidden()
    visitors.complaints.clear()  # the browser itself tells of what may not be read


async def test_who_was_appointed_is_offered_what_moderators_may(
    visitors: Visitors, service: Deployment
) -> None:
    token = service.token("boss", "streamer", "helped")
    assert (await service.call("PUT", "/v1/rooms/helped", {}, token))[0] == 200
    assert (await service.call("PUT", "/v1/admin/rooms/helped/moderators/mira", {}, token))[0] == 200
    page = await studio(visitors, service, "helped", "viewer")
    await expect(page.locator("#room-hint")).to_have_text(
        "You are not the streamer here: title, door and moderators are not yours to change."
    )
    await expect(page.locator("#room-switch")).to_be_hidden()
    await expect(page.locator("#poll-question")).to_be_visible()
    await page.locator("#gift-name").fill("Lantern")
    await page.get_by_role("button", name="Show it").click()
    await expect(page.locator(".toast")).to_have_text("The gift is shown.")
    await page.get_by_role("radio", name="Announcement").check()
    await say(page, "a word from the staff")
    await expect(page.locator(".entry .text").last).to_contain_text("a word from the staff")


async def test_what_one_may_is_not_offered_to_who_signs_in_after_him(
    visitors: Visitors, service: Deployment
) -> None:
    boss = service.token("boss", "streamer", "handed")
    assert (await service.call("PUT", "/v1/rooms/handed", {}, boss))[0] == 200
    page = await visitors.open(f"{service.url}/studio?room=handed")
    asked, answered = asyncio.Event(), asyncio.Event()

    async def answer_late(route: Route) -> None:
        if asked.is_set():
            await route.continue_()
            return
        asked.set()
        await answered.wait()
        await route.fulfill(json={})

    await page.route("**/v1/admin/rooms/handed/settings", answer_late)
    sign_in = "(token) => { location.hash = `token=${token}`; }"
    await page.evaluate(sign_in, service.token("mira", "viewer"))
    await expect(page.locator("#me")).to_have_text("mira")
    await asked.wait()
    await page.locator("#sign-out").click()
    async with page.expect_response("**/v1/admin/rooms/handed/settings") as own:
        await page.evaluate(sign_in, service.token("zoe", "viewer"))
    assert (await own.value).status == 403
    async with page.expect_response("**/v1/admin/rooms/handed/settings") as late:
        answered.set()
    assert (await late.value).ok
    await expect(page.locator("#me")).to_have_text("zoe")
    await say(page, "hello")
    await expect(page.locator(".entry .text").last).to_contain_text("hello")
    for staff_only in ("#gift-card", "#say-kinds"):
        await expect(page.locator(staff_only)).to_be_hidden()
    visitors.complaints.clear()  # the browser itself tells of what may not be read


async def test_where_nobody_knows_who_was_appointed_the_service_decides(
    visitors: Visitors, service: Deployment
) -> None:
    token = service.token("boss", "streamer", "unsure")
    assert (await service.call("PUT", "/v1/rooms/unsure", {}, token))[0] == 200
    assert (await service.call("PUT", "/v1/admin/rooms/unsure/moderators/mira", {}, token))[0] == 200
    page = await visitors.open(f"{service.url}/studio#token={service.token('mira', 'viewer', 'unsure')}")

    async def fail(route: Route) -> None:
        await route.fulfill(
            status=503, json={"error": {"error": "unavailable", "message": "", "retry_ms": 1}}
        )

    await page.route("**/v1/admin/rooms/unsure/settings", fail)
    await page.locator("#choose-room").fill("unsure")
    await page.locator("#choose-room").press("Enter")
    await expect(page.locator("#connection-text")).to_have_text("live")
    await page.get_by_role("radio", name="Announcement").check()
    await say(page, "a word from the staff")
    await expect(page.locator(".entry .text").last).to_contain_text("a word from the staff")
    visitors.complaints.clear()  # the browser itself tells of what failed
