"""What edges put into the HTML of pages."""

from __future__ import annotations

from edge.api.html import complete, needed

PAGE = b"""<head>
  <!-- shared/head.part -->
  <script type="module" src="a/main.js"></script>
</head>
<body>
  <!-- a/foot.part -->
  <!-- whatever is no part.part -->
</body>
"""
FILES = {
    "shared/head.part": b'  <meta charset="utf-8">\n'
    b'  <script type="module" src="shared/theme.js"></script>\n',
    "a/foot.part": b"  <footer>\n  </footer>\n",
    "shared/theme.js": b'import { keep } from "./keep.js";\n',
    "shared/keep.js": b"export const keep = 1;\n",
    "a/main.js": b'import { One,\n  Two } from "./parts/one.js";\nimport x from "fs";\n'
    b'export { keep } from "../shared/keep.js";\nconst later = () => import("./late.js");\n',
    "a/parts/one.js": b'import main from "../main.js"; // round and round\nimport gone from "./gone.js";\n',
    "a/late.js": b"",
}


def test_a_page_has_its_parts_and_names_its_modules() -> None:
    assert complete(PAGE, FILES).decode() == (
        "<head>\n"
        '  <meta charset="utf-8">\n'
        '  <script type="module" src="shared/theme.js"></script>\n'
        '  <script type="module" src="a/main.js"></script>\n'
        '  <link rel="modulepreload" href="a/parts/one.js">\n'
        '  <link rel="modulepreload" href="shared/keep.js">\n'
        "</head>\n<body>\n  <footer>\n  </footer>\n  <!-- whatever is no part.part -->\n</body>\n"
    )


def test_a_page_of_its_own_stays_as_it_is() -> None:
    page = b"<!doctype html><title>One</title>"
    assert complete(page, {}) == page
    assert needed(page, FILES) == set()
