from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.content import has_link, only_emoji


@pytest.mark.parametrize(
    "text",
    [
        "http://a.b",
        "https://例子.中国/x",
        "see ftp://x now",
        "www.abc.com",
        "去www.abc.com看片",
        "abc.com",
        "ABC.COM!",
        "(abc.com)",
        "abc.com.",
        "abc.co.uk",
        "加我qq.com吧",
        "ＷＷＷ．ＡＢＣ．ｃｏｍ",
        "abc。com",
        "abc｡com",
        "t.me/spam",
        "www.foo.me",
        "look.at:8080",
        "例子.中国",
        "пример.рф",
        "xn--fiqs8s.xn--fiqs8s",
        "discord.gg/abc",
        "1.2.3.4:8080",
        "1.2.3.4/a",
        "ann@b.com",
        "spam.xyz",
        "b23.tv",
        "hello.com?x=1",
    ],
)
def test_what_leads_somewhere_is_a_link(text: str) -> None:
    assert has_link(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "3.14",
        "666.666",
        "12:30",
        "hello.Nice",
        "hi...ok",
        "1.2.3.4",
        "v1.2.3",
        "lol.no",
        "wait.is it",
        "ok.so what",
        "good.show",
        "你好。再见",
        "加油。中国",
        "哈.哈.哈",
        "e.g. this",
        "a.k.a. me",
        "U.S.A",
        "5.pm",
        "main.py",
        "node.js",
        "README.md",
        "=://",
        "and/or",
        "...com",
        "-.com",
        "。。。",
        "T.T",
        "0.0",
        "-.-",
    ],
)
def test_what_only_looks_like_one_is_none(text: str) -> None:
    assert not has_link(text)


@given(st.text(alphabet=st.characters() | st.sampled_from(".。:/-")))
def test_any_text_can_be_looked_at(text: str) -> None:
    assert has_link(f"{text} example.com")
    assert isinstance(only_emoji(text), bool)


@pytest.mark.parametrize("text", ["😀", "😀 👍🏽", "👨‍👩‍👧", "🇨🇳", "❤️", "5️⃣"])
def test_emoji_and_blanks_are_only_emoji(text: str) -> None:
    assert only_emoji(text)


@pytest.mark.parametrize("text", ["a", "😀a", "5", "#", ":)", "哈"])
def test_anything_else_is_not(text: str) -> None:
    assert not only_emoji(text)
