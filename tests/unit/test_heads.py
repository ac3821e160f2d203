from __future__ import annotations

from edge.heads import Heads


def test_only_what_was_not_handed_out_is_news() -> None:
    heads = Heads()
    assert heads.is_news("g:a", 1)
    assert not heads.is_news("g:a", 0)
    heads.told("g:a", 5, complete=True)
    heads.told("g:a", 4, complete=True)
    assert not heads.is_news("g:a", 4)
    assert heads.is_news("g:a", 5)
    assert heads.is_news("g:b", 1)


def test_in_doubt_all_is_news_and_a_store_that_went_back_is_followed() -> None:
    heads = Heads()
    heads.told("g:a", 100, complete=True)
    heads.told("g:b", 100, complete=True)
    heads.told("g:a", 51, complete=True)
    assert heads.is_news("g:a", 52)
    heads.doubt()
    assert heads.is_news("g:b", 50)


def test_what_somebody_missed_is_news_to_all() -> None:
    heads = Heads()
    heads.told("g:a", 5, complete=True)
    heads.told("g:a", 6, complete=False)
    assert heads.is_news("g:a", 5)
    heads.told("g:b", 1, complete=False)
    assert heads.is_news("g:b", 1)
    heads.told("g:b", 1, complete=True)
    heads.forget("g:b")
    heads.forget("g:none")
    assert heads.is_news("g:b", 1)


def test_only_the_latest_are_remembered() -> None:
    heads = Heads(2)
    heads.told("g:a", 1, complete=True)
    heads.told("g:b", 1, complete=True)
    heads.told("g:a", 2, complete=True)
    heads.told("g:c", 1, complete=True)
    assert [heads.is_news(conv, 1) for conv in ("g:a", "g:b", "g:c")] == [False, True, False]
