# SPDX-License-Identifier: Apache-2.0
"""What the documentation holds: blocks of code, headings with their anchors, links."""
import collections
import re

from lab.programs import ROOT

Block = collections.namedtuple("Block", "page section language kind text line")


def pages():
    """Paths of all pages, from the top of the checkout."""
    return sorted(str(path.relative_to(ROOT)) for pattern in ("*.md", "docs/*.md", "deploy/**/*.md") for path in ROOT.glob(pattern))


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page, section=None, language=None):
    """Its blocks of code in their order. The first word after ``` is the language, the second the kind. `section` is the
    heading above a block."""
    found, heading, start = [], "", None
    for number, line in enumerate(text_of(page).splitlines(), 1):
        fence = re.match(r"\s*```(.*)$", line)
        if fence and start is None:
            words = fence[1].split()
            start, body = (number, words[0] if words else "", words[1] if len(words) > 1 else ""), []
        elif fence:
            found.append(Block(page, heading, start[1], start[2], "\n".join(body) + "\n", start[0]))
            start = None
        elif start is not None:
            body.append(line)
        elif re.match(r"#{1,6} ", line):
            heading = line.lstrip("#").strip()
    return [block for block in found if section in (None, block.section) and language in (None, block.language)]


def without_code(page):
    """Its lines outside of blocks, with code spans emptied."""
    lines, inside = [], False
    for line in text_of(page).splitlines():
        if re.match(r"\s*```", line):
            inside = not inside
        elif not inside:
            lines.append(re.sub(r"`[^`]*`", "``", line))
    return lines


def anchors(page):
    """The anchors that GitHub makes of its headings."""
    seen, inside = collections.Counter(), False
    for line in text_of(page).splitlines():
        inside ^= bool(re.match(r"\s*```", line))
        heading = None if inside else re.match(r"#{1,6} +(.*)$", line)
        if heading:
            seen[re.sub(r"[^\w\- ]", "", heading[1].strip().lower()).replace(" ", "-")] += 1
    return {f"{name}-{number}" if number else name for name, count in seen.items() for number in range(count)}


def links(page):
    """Targets of its links and pictures."""
    found = []
    for line in without_code(page):
        found += re.findall(r"\]\(([^)\s]+)\)", line) + re.findall(r"(?:src|href)=\"([^\"]+)\"", line)
    return found
