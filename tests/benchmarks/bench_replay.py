"""Replay of a year of hourly states: prepared from candles, and from a key on its slider to changed pixels.

The peer of the preparation is what one would write first: the public functions of one instant, called for every hour
on what was known by then. It is timed on a sample of hours and multiplied up. The page is measured in Chromium, where
there is one: it holds the year and moves through it by itself, so the kernel and the network take no part.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from heatlab.domain import Timeframe
from heatlab.portfolio.book import book_view
from heatlab.portfolio.replay import prepare_replay
from tests.benchmarks import Result, best_of
from tests.benchmarks.books import Candles, book
from tests.browser.conftest import FLAGS, chromium_path

NAME = "replay"
NOTEBOOK = "replay.ipynb"
HOURS = 8_760
SAMPLE = 6
STEPS = 60
BAR_S, BAR_FRAME_S = 5.0, 0.080
# Wait for the first frame in which five rows of the largest canvas differ; gives milliseconds, or -1 after 2 s.
WATCH = """() => {
  const found = [];
  const walk = (root) => root.querySelectorAll("*").forEach((node) => {
    if (node.tagName === "CANVAS" && node.width > 200 && node.height > 200) found.push(node);
    if (node.shadowRoot) walk(node.shadowRoot);
  });
  walk(document);
  const canvas = found.sort((a, b) => b.width * b.height - a.width * a.height)[0];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const sample = () => {
    let mark = 7;
    for (let part = 1; part < 6; part++) {
      const row = context.getImageData(0, Math.floor((canvas.height * part) / 6), canvas.width, 1).data;
      for (let i = 0; i < row.length; i += 16) mark = (mark * 31 + row[i]) | 0;
    }
    return mark;
  };
  const before = sample();
  window.hl_frame = new Promise((resolve) => {
    window.addEventListener("keydown", () => {
      const begun = performance.now();
      const look = () => {
        const passed = performance.now() - begun;
        if (sample() !== before) resolve(passed);
        else if (passed > 2000) resolve(-1);
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    }, { once: true, capture: true });
  });
}"""
# Milliseconds between the animation frames of five seconds.
GAPS = """() => new Promise((resolve) => {
  const gaps = [];
  let last = performance.now();
  const begun = last;
  const tick = (now) => {
    gaps.push(now - last);
    last = now;
    if (now - begun < 5000) requestAnimationFrame(tick);
    else resolve(gaps.slice(1));
  };
  requestAnimationFrame(tick);
})"""


def run() -> list[Result]:
    """Preparation against the plain reference, cold and warm; frames where there is a browser."""
    small = bool(os.environ.get("HEATLAB_BENCH_SMALL"))
    count = 10 if small else 50
    positions, tables, now = book(count)
    ours = best_of(lambda: prepare_replay(positions, tables, now=now), runs=3)
    replay = prepare_replay(positions, tables, now=now)
    peer = _reference(positions, tables, replay.times)
    size = f"{count} positions x {len(replay)} hours x 4 timeframes, {replay.nbytes / 1e6:.0f} MB"
    extrapolated = f"book_view on what was known, per hour; {SAMPLE} hours timed and multiplied up"
    cold = _cold(count)
    results = [
        Result(f"replay prepared (limit {BAR_S:g} s)", ours, peer, size, extrapolated),
        Result("replay prepared, first in a process", cold, None, f"{size}; imports and compiled loops read", "-"),
    ]
    return results + _frames()


def _reference(positions: pd.DataFrame, tables: Candles, times: pd.DatetimeIndex) -> float:
    """Seconds for all hours by the functions of one instant, from a sample spread over the year."""
    sample = times[np.linspace(0, len(times) - 1, SAMPLE).astype(int)]
    begun = time.perf_counter()
    for moment in sample:
        known = {key: bars[bars.index <= moment - Timeframe.parse(key[2]).delta] for key, bars in tables.items()}
        book_view(positions, known, now=moment)
    return (time.perf_counter() - begun) / SAMPLE * len(times)


def _cold(count: int) -> float:
    """Seconds of the first preparation in a process of its own, imports included."""
    code = (
        f"from tests.benchmarks.books import book\nheld, bars, now = book({count})\nimport time\n"
        "begun = time.perf_counter()\nfrom heatlab.portfolio.replay import prepare_replay\n"
        "prepare_replay(held, bars, now=now)\nprint(time.perf_counter() - begun)"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    return float(done.stdout)


def _frames() -> list[Result]:
    path = chromium_path()
    if path is None or importlib.util.find_spec("playwright") is None:
        return []
    from playwright.sync_api import sync_playwright

    from tests.benchmarks import bench_redraw

    folder = Path(__file__).parent / "notebooks"
    with sync_playwright() as playwright, bench_redraw._server("0", folder) as server:
        chromium = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        context, page, _ = bench_redraw._open(chromium, server, NOTEBOOK)
        times, gaps, traffic = _measure(page)
        page.close(run_before_unload=True)
        context.close()
        chromium.close()
    size = "40 of 50 positions x 5 columns; "
    return [
        Result(
            f"replay, slider to repaint (limit p95 {1e3 * BAR_FRAME_S:g} ms)",
            statistics.median(times),
            None,
            size + f"p50 {1e3 * statistics.median(times):.0f} ms, p95 {1e3 * _p95(times):.0f} ms, {traffic}",
            "-",
        ),
        Result(
            "replay, frame while playing a week a second",
            statistics.median(gaps),
            None,
            size + f"p50 {1e3 * statistics.median(gaps):.0f} ms, p95 {1e3 * _p95(gaps):.0f} ms between frames",
            "-",
        ),
    ]


def _measure(page: Any) -> tuple[list[float], list[float], str]:
    """Seconds per step of a day, seconds between frames while playing, and the traffic of a step."""
    slider = page.locator(".hl-replay-slider")
    page.until(slider.is_enabled, timeout=60)
    page.wait_for_timeout(1000)
    slider.focus()
    for _ in range(STEPS + 20):  # into the year, and every loop of the page run once
        page.keyboard.press("PageDown")
    page.wait_for_timeout(1000)
    received = page.received
    times = [_step(page) for _ in range(STEPS)]
    traffic = f"{(page.received - received) / STEPS / 1e3:.1f} kB down per step"
    page.locator(".hl-replay-speed").select_option("168")
    page.locator(".hl-replay-play").click()
    gaps = [gap / 1e3 for gap in page.evaluate(GAPS)]
    return [one for one in times if one > 0], gaps, traffic


def _step(page: Any) -> float:
    page.evaluate(WATCH)
    page.keyboard.press("PageUp")
    took = float(page.evaluate("window.hl_frame")) / 1e3
    page.wait_for_timeout(50)
    return took


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]
