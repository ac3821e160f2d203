"""What is sent of the pages' modules, beside what is written in them."""

from __future__ import annotations

from pathlib import Path

from edge.api.pages import FOLDER, Pages
from tests.pages.node import run

OPTIONS = (
    "--ignoreConfig --allowJs --noCheck --noResolve --removeComments --module esnext --target esnext "
    "--moduleDetection force --rootDir . --outDir ../"
)


def test_modules_are_the_same_programs_without_their_comments(tmp_path: Path) -> None:
    pages, written, sent = Pages(), tmp_path / "written", tmp_path / "sent"
    names = [path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.js")]
    for name in names:
        page = pages.find(f"/{name}")
        assert page is not None
        for folder, body in ((written, (FOLDER / name).read_bytes()), (sent, page.body)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(body)
    for folder in (written, sent):
        run("tsc", *f"{OPTIONS}{folder.name}-bare".split(), *names, cwd=folder)
    for name in names:
        bare = [(tmp_path / f"{folder}-bare" / name).read_text("utf-8") for folder in ("written", "sent")]
        assert bare[0] == bare[1], name
    assert len(names) > 100
