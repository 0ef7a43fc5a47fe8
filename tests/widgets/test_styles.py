"""The style sheet and the downloads."""

from __future__ import annotations

import re

import pytest

from heatlab.errors import ParameterError
from heatlab.widgets import css, download_link, stylesheet


def luminance(colour: str) -> float:
    """Relative luminance after WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def variables(theme: str) -> dict[str, str]:
    """Colour variables of the light or the dark block."""
    blocks = re.findall(r"^:root[^{]*\{([^}]*)\}", css(), flags=re.MULTILINE)
    pick = [dict(re.findall(r"(--hl-[a-z-]+): (#[0-9a-f]{6});", block)) for block in blocks[:2]]
    return pick[0] if theme == "light" else {**pick[0], **pick[1]}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("text", ["fg", "muted", "accent", "good-text", "amber-text", "bad-text"])
@pytest.mark.parametrize("ground", ["bg", "panel", "raised"])
def test_text_can_be_read(theme: str, text: str, ground: str) -> None:
    """Every text colour reaches 4.5 to 1 on every ground, light and dark."""
    colours = variables(theme)
    assert contrast(colours[f"--hl-{text}"], colours[f"--hl-{ground}"]) >= 4.5


def test_nothing_comes_from_outside() -> None:
    """The sheet loads no file: no import, no address but data."""
    assert "@import" not in css()
    assert [url for url in re.findall(r"url\(([^)]*)", css()) if not url.startswith('"data:')] == []


def test_the_stylesheet_widget_carries_the_sheet_and_a_theme() -> None:
    """It brings the sheet to pages that lack it and starts with the theme given."""
    sheet = stylesheet(theme="dark")
    assert sheet.css == css()
    assert sheet.theme == "dark"


def test_a_download_is_made_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is built when it is asked for, not before."""
    made: list[bytes] = []
    link = download_link("zones.csv", lambda: made.append(b"x") or b"a\n1\n", label="Zones")
    sent: list[tuple[dict[str, bool], list[bytes]]] = []
    monkeypatch.setattr(link, "send", lambda content, buffers: sent.append((content, buffers)))
    assert made == []
    link._hear(link, {"need": "file"}, [])
    assert sent == [({"file": True}, [b"a\n1\n"])]
    assert (link.name, link.mime, link.label) == ("zones.csv", "text/csv", "Zones")


def test_a_download_that_fails_says_so() -> None:
    """The label carries the news; the trace is in the log."""

    def failing() -> bytes:
        raise RuntimeError("no")

    link = download_link("zones.csv", failing)
    link._hear(link, {"need": "file"}, [])
    assert link.label == "zones.csv: could not be made, see the log"


@pytest.mark.parametrize("name", ["", "a/b.csv", "../b.csv"])
def test_a_download_is_a_file_name(name: str) -> None:
    """A name with a folder is refused."""
    with pytest.raises(ParameterError, match="'name' parameter of download_link"):
        download_link(name, b"")
