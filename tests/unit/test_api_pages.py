from __future__ import annotations

import gzip
from pathlib import Path
from urllib.parse import urljoin

import pytest

from danmaku.address import FILES, PAGES
from edge.api.pages import FOLDER, Pages
from edge.uws import Request
from tests.unit.api_service import Service

SCRIPT = "export const one = 1;\n" * 100


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    folder = tmp_path / "pages"
    for part in ("parts", "viewer", "docs", "shared"):
        (folder / part).mkdir(parents=True)
    (folder / "viewer" / "index.html").write_text("<!doctype html><title>弹幕</title>")
    (folder / "docs" / "index.html").write_text("<!doctype html><title>Docs</title>")
    (folder / "main.js").write_text(SCRIPT)
    (folder / "parts" / "a.css").write_text("a {}")
    (folder / "parts" / "short.js").write_text(SCRIPT[:220])
    (folder / "shared" / "favicon.svg").write_text("<svg/>")
    (folder / "notes.py").write_text("secret")
    (folder / ".hidden").write_text("secret")
    (tmp_path / "outside.html").write_text("secret")
    return Pages(folder)


@pytest.mark.parametrize(
    ("path", "media"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/viewer/index.html", "text/html; charset=utf-8"),
        ("/docs", "text/html; charset=utf-8"),
        ("/main.js", "text/javascript; charset=utf-8"),
        ("/parts/a.css", "text/css; charset=utf-8"),
        ("/favicon.ico", "image/svg+xml"),
    ],
)
async def test_pages_are_served(pages: Pages, path: str, media: str) -> None:
    answer = await Service(pages=pages).call("GET", path)
    assert (answer.status, answer.headers["content-type"]) == (200, media)
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    if not media.startswith(("text/html", "image/svg")):
        assert not {"content-security-policy", "referrer-policy"} & answer.headers.keys()
        return
    assert answer.headers["referrer-policy"] == "same-origin"
    policy = dict(rule.split(" ", 1) for rule in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["connect-src"] == "'self' ws: wss:"
    assert "script-src" not in policy
    assert not any("unsafe" in sources for sources in policy.values())


@pytest.mark.parametrize(
    ("frames", "policy"),
    [
        (("self",), "'self'"),
        ((), "'none'"),
        (("self", "https://live.example", "https://*.cdn.example:8443"), "'self' https://live.example https://*.cdn.example:8443"),
        (("*",), "*"),
    ],
)  # fmt: skip
async def test_sites_that_may_show_a_page_in_a_frame_are_named(frames: tuple[str, ...], policy: str) -> None:
    page = Pages(frames=frames).find("/")
    assert page is not None
    assert page.policy.endswith(f"; frame-ancestors {policy}")
    plain = Pages().find("/")
    assert plain is not None
    assert (page.tag == plain.tag) == (frames == ("self",))


@pytest.mark.parametrize(
    "path",
    [
        "/notes.py", "/.hidden", "/parts", "/parts/", "/../outside.html", "/parts/../index.html",
        "/%2e%2e/outside.html", "/..%2foutside.html", "//index.html", "/./index.html", "/outside.html", "",
        "index.html", "/main.js/", "/main.js%00",
    ],
)  # fmt: skip
async def test_nothing_but_pages_is_served(pages: Pages, path: str) -> None:
    answer = await Service(pages=pages).call("GET", path)
    assert answer.status == 404
    assert b"secret" not in answer.body


@pytest.mark.parametrize("path", ["/docs/", "/docs/?tab=2"])
async def test_a_slash_behind_the_name_of_a_page_leads_to_it(pages: Pages, path: str) -> None:
    answer = await Service(pages=pages).call("GET", path)
    assert (answer.status, answer.body) == (308, b"")
    there = urljoin(f"https://live.example/below{path}", answer.headers["location"])
    assert there == f"https://live.example/below{path.replace('/?', '?').removesuffix('/')}"
    assert (await Service(pages=pages).call("POST", path)).status == 404


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("room=\xc3\xa4", "room=%C3%A4"),
        ("room=a b&c=%20", "room=a%20b&c=%20"),
        ("a=\r\nSet-Cookie:b", "a=%0D%0ASet-Cookie:b"),
    ],
)
async def test_what_no_header_can_hold_is_encoded_on_the_way_to_a_page(
    pages: Pages, query: str, told: str
) -> None:
    answer = await Service(pages=pages).answer(Request("GET", "/docs/", query, {}, "127.0.0.1"))
    assert (answer.status, dict(answer.headers)["Location"]) == (308, f"../docs?{told}")


async def test_a_page_that_is_known_already_is_not_sent_again(pages: Pages) -> None:
    service = Service(pages=pages)
    tag = (await service.call("GET", "/main.js")).headers["etag"]
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        answer = await service.call("GET", "/main.js", if_none_match=known)
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)
    assert (await service.call("GET", "/main.js", if_none_match='"other"')).status == 200
    assert (await service.call("GET", "/", if_none_match=tag)).status == 200


async def test_pages_are_packed_for_those_who_can_unpack_them(pages: Pages) -> None:
    service = Service(pages=pages)
    plain = await service.call("GET", "/main.js")
    packed = await service.call("GET", "/main.js", accept_encoding="br, gzip")
    assert plain.body.decode() == gzip.decompress(packed.body).decode() == SCRIPT
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    for accepted in ("gzip;q=0.5", "br , GZIP ; q=1"):
        assert "content-encoding" in (await service.call("GET", "/main.js", accept_encoding=accepted)).headers
    for accepted in ("gzip;q=0", "gzip; q=0.000, br", "x-gzipped", "identity"):
        answer = await service.call("GET", "/main.js", accept_encoding=accepted)
        assert answer.body == plain.body
    short = await service.call("GET", "/parts/short.js", accept_encoding="gzip")
    assert gzip.decompress(short.body).decode() == SCRIPT[:220]
    larger_packed = await service.call("GET", "/parts/a.css", accept_encoding="gzip")
    assert "content-encoding" not in larger_packed.headers


async def test_comments_and_indents_of_modules_and_sheets_are_not_sent(tmp_path: Path) -> None:
    kept = 'const a = /** @type {any} */ (b);\n/** @type {any} */ (c).d();\nconst e = "/** f */";\n'
    written = kept.replace("\n", "\n  ")
    remarks = "// four\na(); // five"
    (tmp_path / "main.js").write_text(f"/** One. */\n/**\n * Two\n */\n{written}/** Three. */\n{remarks}")
    page = Pages(tmp_path).find("/main.js")
    assert page is not None
    assert page.body.decode() == f"\n\n\n\n{kept}\n\na();"
    rules = "a {\nb: c; /* d */\n}\n"
    (tmp_path / "main.css").write_text(f"/* One\n * two */\n{rules.replace('b', '  b')}")
    sheet = Pages(tmp_path).find("/main.css")
    assert sheet is not None
    assert sheet.body.decode() == f"\n\n{rules}"


def test_no_text_of_a_module_goes_over_several_lines() -> None:
    """Its lines would begin elsewhere."""
    for file in FOLDER.rglob("*.js"):
        lines = [line.lstrip() for line in file.read_text(encoding="utf-8").splitlines()]
        texts = [one for one in lines if not one.startswith(("*", "/"))]
        assert [one for one in texts if one.count("`") % 2 or one.endswith("\\")] == [], file


@pytest.mark.parametrize(
    "line",
    [
        'const a = "http://b"; // c',
        "const a = 'b' + \"//\";",
        "const a = `${b}//${c}`;",
        "const a = /[/]//2; // b",
        "const a = b / c; // d",
        "b // c */ + d;",
        "const a = /** @type {any} */ (b); // c",
    ],
)
def test_a_remark_stays_where_it_might_be_none(tmp_path: Path, line: str) -> None:
    (tmp_path / "main.js").write_text(line)
    page = Pages(tmp_path).find("/main.js")
    assert page is not None
    assert page.body.decode() == line


async def test_a_page_is_asked_for_without_its_body(pages: Pages) -> None:
    """Whoever writes the answer leaves the body out and keeps its length."""
    service = Service(pages=pages)
    assert await service.call("HEAD", "/main.js") == await service.call("GET", "/main.js")


async def test_our_own_pages_are_there() -> None:
    """And name nothing that would need another host or a script within the page."""
    service = Service()
    for name in (*PAGES, *FILES):
        answer = await service.call("GET", f"/{name}")
        assert answer.status == 200
        html = answer.body.decode()
        assert "https://" not in html.replace("https://www.w3.org/", "")
        assert "<script>" not in html
        assert "style=" not in html


async def test_only_the_chat_shows_images_of_other_hosts() -> None:
    service = Service()
    policies = [
        (await service.call("GET", path)).headers["content-security-policy"] for path in ("/", "/chat")
    ]
    images = [dict(rule.split(" ", 1) for rule in policy.split("; "))["img-src"] for policy in policies]
    assert images == ["'self' data: blob:", "'self' data: blob: http: https:"]
