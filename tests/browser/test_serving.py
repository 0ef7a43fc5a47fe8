"""The command, the template and the widgets together, in a browser."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.browser import serving
from tests.browser.conftest import Watched

pytestmark = pytest.mark.browser


def open_pane(page: Watched, server: serving.Server, query: str = "") -> Watched:
    page.goto(f"{server.url}voila/render/pane.ipynb{query}")
    page.until(page.painted)
    return page


def kernel_of(page: Watched) -> str:
    return str(page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"))


def test_the_root_leads_to_the_gallery(page: Watched, served: serving.Server) -> None:
    """``/`` shows the index notebook, under its own title."""
    page.goto(served.url)
    page.until(lambda: page.locator(".hl-card-title").count())
    assert page.title() == "Gallery"
    assert page.url.endswith("/voila/render/index.ipynb")


def test_a_pane_paints_offline_with_bokehjs_from_the_page(page: Watched, served: serving.Server) -> None:
    """No console error, no request to the outside, and BokehJS comes as a file instead of through the kernel."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_pane(page, served)
    assert page.failures() == []
    assert len([url for url in asked if "bokeh.min.js" in url]) == 1
    assert page.received < 1_500_000


def test_a_slider_repaints_without_an_echo(pane: Watched) -> None:
    """One step of the slider costs one download of the picture and next to no upload."""
    page = pane
    before, sent, received = page.painted(), page.sent, page.received
    page.locator(".noUi-handle").first.focus()
    page.keyboard.press("ArrowRight")
    page.until(lambda: page.painted() not in (0, before))
    page.wait_for_timeout(300)
    assert page.sent - sent < 3_000
    assert 600_000 < page.received - received < 620_000


def test_a_burst_ends_on_the_last_value(pane: Watched) -> None:
    """After a burst of key presses there and back the picture is the one before."""
    wanted = pane.painted()
    pane.locator(".noUi-handle").first.focus()
    for key in ["ArrowRight"] * 8 + ["ArrowLeft"] * 7:
        pane.keyboard.press(key)
    pane.until(lambda: pane.painted() not in (0, wanted))
    pane.keyboard.press("ArrowLeft")
    pane.until(lambda: pane.painted() == wanted)


def test_a_pan_reaches_python(pane: Watched) -> None:
    """Dragging the picture changes the range in the kernel."""
    pane.mouse.move(800, 300)
    pane.mouse.down()
    pane.mouse.move(900, 300, steps=8)
    pane.mouse.up()
    pane.until(lambda: pane.get_by_text("x starts at -").count())


def test_a_failing_callback_shows_one_escaped_line(pane: Watched, served: serving.Server) -> None:
    """The user sees kind and message as text; the trace is in the log file."""
    pane.get_by_role("button", name="Fail").click()
    alarm = pane.locator('[role="alert"].hl-error')
    pane.until(lambda: alarm.count() == 1)
    assert alarm.inner_text() == "RuntimeError: <b>boom</b>. The details are in the log."
    assert "Traceback" in (served.log.parent / "heatlab.log").read_text()


def test_a_job_shows_progress_and_can_be_cancelled(pane: Watched) -> None:
    """Run locks the controls and counts; Cancel ends the job and unlocks them."""
    run, cancel = pane.get_by_role("button", name="Count"), pane.get_by_role("button", name="Cancel")
    run.click()
    pane.until(lambda: pane.get_by_text("of 40").count())
    assert run.is_disabled()
    cancel.click()
    pane.until(lambda: pane.get_by_text("Cancelled", exact=True).count())
    pane.until(run.is_enabled)


def test_a_download_is_made_when_clicked(pane: Watched) -> None:
    """The link hands over a file with its name and contents."""
    with pane.expect_download() as download:
        pane.get_by_role("button", name="Numbers").click()
    assert download.value.suggested_filename == "numbers.csv"
    assert Path(download.value.path()).read_text() == "a,b\n1,2\n"


def test_the_theme_switch_recolours_page_and_figure(pane: Watched) -> None:
    """The button changes the page at once and the figure through the kernel."""
    before = pane.painted()
    pane.get_by_role("button", name="Dark theme").click()
    assert pane.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 19, 26)"
    dark = pane.until(lambda: pane.painted() not in (0, before) and pane.painted())
    pane.get_by_role("button", name="Light theme").click()
    pane.until(lambda: pane.painted() not in (0, dark))


def test_narrow_dark_and_with_settings(new_page: Callable[..., Watched], served: serving.Server) -> None:
    """At 700 px the controls stand above the picture; the system decides the theme; the address is clamped."""
    page = open_pane(new_page(viewport={"width": 700, "height": 900}, color_scheme="dark"), served, "?step=4000&x=%3C")
    assert page.locator(".noUi-handle").first.get_attribute("aria-valuetext") == "100"
    assert page.evaluate("document.documentElement.dataset.hlTheme") == "dark"
    controls, main = page.locator(".hl-controls").bounding_box(), page.locator(".hl-main").bounding_box()
    assert main["y"] >= controls["y"] + controls["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 700


def test_the_page_says_what_it_waits_for(page: Watched, served: serving.Server) -> None:
    """While the kernel starts there is a placeholder with words, not an empty page."""
    page.goto(f"{served.url}voila/render/pane.ipynb", wait_until="commit")
    page.until(lambda: page.locator("#loading_text").count())
    assert page.locator("#loading_text").inner_text().startswith(("Waiting for the kernel", "Computing"))
    page.until(page.painted)
    assert page.locator("#loading").count() == 0


def test_no_traceback_reaches_the_page(page: Watched, served: serving.Server) -> None:
    """A notebook that fails shows one line; neither the trace nor the message of the error."""
    page.goto(f"{served.url}voila/render/raising.ipynb")
    page.until(lambda: page.get_by_text("There was an error when executing cell").count())
    assert "do not show this" not in page.content()
    assert "Traceback" not in page.content()
    assert "do not show this" in served.log.read_text()


def test_closing_the_tab_ends_its_kernel(new_page: Callable[..., Watched], served: serving.Server) -> None:
    """The page's last request is accepted and its kernel's process is gone."""
    page = open_pane(new_page(), served)
    process = served.kernels()[kernel_of(page)]
    watcher = new_page()
    page.close(run_before_unload=True)
    watcher.until(lambda: not process.is_running())


def test_a_kernel_without_a_page_is_culled(new_page: Callable[..., Watched], served: serving.Server) -> None:
    """A page that vanishes without a word leaves a kernel that the server ends by itself."""
    page = open_pane(new_page(), served)
    page.route("**/voila/api/shutdown/**", lambda route: route.abort())
    process = served.kernels()[kernel_of(page)]
    watcher = new_page()
    page.goto("about:blank")
    watcher.until(lambda: not process.is_running())


def test_a_killed_kernel_is_announced(page: Watched, served: serving.Server) -> None:
    """The page says that the session has ended and offers a reload, which brings a new one."""
    open_pane(page, served)
    page.tolerated = ("Cannot send", "WebSocket", "Failed to load resource", "Comm", "Kernel", "kernel")
    served.kernels()[kernel_of(page)].kill()
    page.until(page.locator("#hl-ended").is_visible)
    page.locator("#hl-ended").get_by_role("link", name="Reload").click()
    page.until(page.painted)
    assert page.locator("#hl-ended").is_hidden()


def test_a_preheated_kernel_still_reads_the_address(page: Watched, cache: Path, notebooks: Path) -> None:
    """With kernels kept ready the page opens from one of them, with the settings of the address."""
    options = ("--notebooks", str(notebooks), "--preheat", "1")
    with serving.heatlab(cache, *options) as server:
        page.until(server.kernels)
        page.wait_for_timeout(3000)
        ready = set(server.kernels())
        open_pane(page, server, "?step=5&theme=dark")
        assert kernel_of(page) in ready
        assert page.locator(".noUi-handle").first.get_attribute("aria-valuetext") == "5"
        page.goto("about:blank")


def test_a_token_is_asked_for(page: Watched, cache: Path) -> None:
    """Without the token the door leads to the login page; with it the app opens and keeps working."""
    with serving.heatlab(
        cache, "--notebooks", str(serving.NOTEBOOKS), "--preheat", "0", "--token", "open-sesame"
    ) as server:
        assert "token=open-sesame" in server.url
        status, location = serving.fetch(f"{server.url.split('?')[0]}voila/render/pane.ipynb")
        assert (status, location.split("?")[0]) == (302, "/login")
        page.goto(f"{server.url.split('?')[0]}voila/render/pane.ipynb?token=open-sesame")
        page.until(page.painted)
        page.goto("about:blank")


def test_an_interrupt_ends_everything(cache: Path, notebooks: Path) -> None:
    """Ctrl-C: exit code 0, no kernel left, nothing but the address was printed."""
    with serving.heatlab(cache, "--notebooks", str(notebooks), "--preheat", "1") as server:
        limit = time.monotonic() + 20
        while not server.kernels():
            assert time.monotonic() < limit, "no kernel was prepared"
            time.sleep(0.05)
        family = psutil.Process(server.process.pid).children(recursive=True)
        assert serving.end(server.process, with_signal=signal.SIGINT) == 0
        _, alive = psutil.wait_procs(family, timeout=5)
        assert alive == []
    assert len(server.log.read_text().strip().splitlines()) == 1


@pytest.fixture
def fake_browser(tmp_path: Path) -> Iterator[Path]:
    """A command that says its process id and stays; it is ended by that id."""
    command, said = tmp_path / "browser", tmp_path / "browser.pid"
    command.write_text(f"#!/bin/sh\necho $$ > {said}.part\nmv {said}.part {said}\nexec sleep 120\n")
    command.chmod(0o755)
    yield command
    with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess):
        psutil.Process(int(said.read_text())).kill()


def started(browser: Path) -> psutil.Process:
    """Process of the fake browser, once it runs."""
    said, limit = browser.with_suffix(".pid"), time.monotonic() + 20
    while not said.exists():
        assert time.monotonic() < limit, "no browser was started"
        time.sleep(0.05)
    return psutil.Process(int(said.read_text()))


def test_the_readers_browser_outlives_the_server(
    cache: Path, notebooks: Path, fake_browser: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends the kernels, not the browser that was opened."""
    monkeypatch.setenv("BROWSER", f"{fake_browser} %s &")
    with serving.heatlab(cache, "--notebooks", str(notebooks), "--preheat", "1", "--browser") as server:
        browser = started(fake_browser)
        assert serving.end(server.process, with_signal=signal.SIGINT) == 0
        assert browser.is_running()
        assert browser.status() != psutil.STATUS_ZOMBIE


def test_a_browser_in_the_terminal_does_not_hold_the_server(
    cache: Path, notebooks: Path, fake_browser: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that returns only when it is closed runs beside the server."""
    monkeypatch.setenv("BROWSER", f"{fake_browser} %s")
    with serving.heatlab(cache, "--notebooks", str(notebooks), "--preheat", "0", "--browser") as server:
        browser = started(fake_browser)
        assert server.status() == 302
        assert browser.is_running()
        assert serving.end(server.process, with_signal=signal.SIGINT) == 0


def test_a_visitor_who_comes_before_the_kernels_are_ready_is_served(page: Watched, cache: Path) -> None:
    """Kernels are prepared one after the other, the gallery's first; whoever comes earlier gets one of his own."""
    options = ("--notebooks", str(serving.NOTEBOOKS), "--preheat", "1")
    with serving.heatlab(cache, *options) as server:
        open_pane(page, server, "?step=7")
        assert page.locator(".noUi-handle").first.get_attribute("aria-valuetext") == "7"
        page.goto("about:blank")


def test_plain_voila_shows_the_pane(page: Watched, cache: Path, notebooks: Path) -> None:
    """As on Binder, with our template and nothing prepared, the widgets bring style sheet and BokehJS themselves."""
    with serving.plain_voila(cache, notebooks) as server:
        page.goto(f"{server.url}voila/render/pane.ipynb?step=3")
        page.until(page.painted)
        assert page.locator(".hl-nav").count() == 1
        assert page.locator(".noUi-handle").first.get_attribute("aria-valuetext") == "3"
        assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--hl-css')") != ""
        page.goto("about:blank")


def test_a_foreign_host_name_is_refused(served: serving.Server) -> None:
    """On loopback a request under another name is refused, so no web page can reach in through its own."""
    status, _ = serving.fetch(f"{served.url}voila/render/index.ipynb", headers={"Host": "evil.example"})
    assert status == 403
