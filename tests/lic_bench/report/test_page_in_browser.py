"""The page in headless Chromium, from a file: it draws, sorts, filters, compares pictures, asks for nothing else."""

import io
import shutil
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from lic_bench.report.write_report import write_report
from lic_bench.store.run_folder import Run

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'lic-bench[dev]'")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs Chromium: apt-get install chromium")
LARGEST = 6_000_000  # bytes
WAIT_MS = 60_000  # on busy machines


@pytest.fixture(scope="module")
def index(
    make_run: Callable[..., Run], make_saved_run: Callable[[Path], Run], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A report with the paper's curves, two timed codecs on Kodak's names, and saved pictures."""
    home = tmp_path_factory.mktemp("report")
    make_run(home / "timed", {"jpeg": 1.5, "webp": 1.3})
    make_saved_run(home / "saved")
    return write_report([home / "timed", home / "saved"], home / "out", anchor="vtm-9.1,jpeg").index


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])


def opened(browser: Any, index: Path, width: int = 1300, scheme: str = "light") -> tuple[Any, list[str]]:
    """The page with both figures drawn, and what it said or asked for that it should not have."""
    looks = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme, "reduced_motion": "reduce"}
    page = browser.new_context(**looks).new_page()
    page.set_default_timeout(WAIT_MS)
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: faults.append(request.url[:99]) if request.url.startswith("http") else None)
    page.goto(index.as_uri())
    for kind in ("latency", "curves"):
        page.locator(f"#interactive-{kind}").scroll_into_view_if_needed()
        page.wait_for_selector(f"#interactive-{kind}[data-drawn]")
    return page, faults


@pytest.fixture(scope="module")
def page(browser: Any, index: Path) -> Any:
    page, faults = opened(browser, index)
    yield page
    assert faults == []  # whatever the tests did with it


def first_column(page: Any, table: str) -> list[str]:
    shown = page.locator(f"#{table} tbody tr:not([hidden]) td:first-child")
    return [text.strip() for text in shown.all_text_contents()]


def test_it_is_small(index: Path) -> None:
    assert index.stat().st_size < LARGEST


def test_tables_sort_by_the_keyboard_and_come_back(page: Any) -> None:
    before = first_column(page, "table1")
    head = page.locator("#table1 thead th", has_text="Params(M)")
    column = 1 + head.evaluate("head => head.cellIndex")
    for direction in ("ascending", "descending"):
        head.locator("button").press("Enter")
        assert head.get_attribute("aria-sort") == direction
        texts = page.locator(f"#table1 tbody td:nth-child({column})").all_text_contents()
        numbers = [float(text) for text in texts if text != "-"]
        assert numbers == sorted(numbers, reverse=direction == "descending")
    assert before != first_column(page, "table1")
    head.locator("button").press("Enter")
    assert head.get_attribute("aria-sort") is None
    assert first_column(page, "table1") == before


def test_tables_filter_by_words(page: Any) -> None:
    field = page.locator("#bd_rate .filter input")
    field.fill("lalic kodak")
    assert first_column(page, "bd_rate") == ["LALIC"]
    assert page.locator("#bd_rate .filter output").text_content().startswith("1 of ")
    field.fill("")
    assert len(first_column(page, "bd_rate")) > 10


def test_curves_hide_by_their_legend_and_change_with_the_metric(page: Any) -> None:
    drawn = "document.querySelector('#interactive-curves .plot').data.map(trace => trace.name)"
    before = page.evaluate(drawn)
    entry = page.locator("#interactive-curves .legend button", has_text="LALIC (published)")
    entry.press("Space")
    assert entry.get_attribute("aria-pressed") == "false"
    assert page.evaluate(drawn) == [name for name in before if name != "LALIC (published)"]
    entry.press("Space")
    page.locator("#interactive-curves [name=metric]").select_option("MS-SSIM")
    assert "MS-SSIM" in page.evaluate("document.querySelector('#interactive-curves .plot').layout.yaxis.title.text")
    page.locator("#interactive-curves [name=axis]").select_option("decode")
    assert set(page.evaluate(drawn)) == {"JPEG", "WebP"}


def test_a_hovered_point_says_what_it_is(page: Any) -> None:
    page.locator("#interactive-curves [name=metric]").select_option("PSNR")
    page.locator("#interactive-curves [name=axis]").select_option("bpp")
    texts = page.evaluate("document.querySelector('#interactive-curves .plot').data.find(t => t.name === 'WebP').text")
    assert [part in texts[1] for part in ("quality 2", "24 images", "0.26 bpp", "30.5 dB", "40 ms to decode")] == [
        True
    ] * 5


def test_the_difference_of_pictures_is_theirs(page: Any) -> None:
    viewer = page.locator("#viewer")
    for name, value in (("codec", "JPEG"), ("view", "difference"), ("gain", "4"), ("zoom", "1")):
        viewer.locator(f"[name={name}]").select_option(value)
    viewer.locator("[name=quality]").select_option(index=0)
    page.evaluate("Promise.all([...document.querySelectorAll('.layers img')].map(image => image.decode()))")
    viewer.locator(".layers").evaluate("box => box.scrollIntoView()")
    box = viewer.locator(".layers").bounding_box()
    clip = {name: round(box[name]) for name in ("x", "y", "width", "height")}
    shown = np.asarray(Pillow.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB"), dtype=int)
    original, decoded = (
        np.asarray(Pillow.open(io.BytesIO(_data(address))), dtype=int)
        for address in (viewer.locator(".under").get_attribute("src"), viewer.locator(".over").get_attribute("src"))
    )
    expected = np.minimum(4 * abs(original - decoded), 255)
    assert shown.shape == expected.shape
    assert np.mean(abs(shown - expected) <= 4) > 0.99  # where the box begins between two pixels, edges are blended
    assert expected.max() > 100


def _data(address: str) -> bytes:
    return b64decode(address.partition(",")[2])


def test_the_slider_goes_by_the_keyboard_and_codecs_are_matched_in_rate(page: Any) -> None:
    viewer = page.locator("#viewer")
    viewer.locator("[name=view]").select_option("slider")
    cut = "parseFloat(document.querySelector('.over').style.clipPath.split(' ').at(-1))"
    before = page.evaluate(cut)
    for _ in range(5):
        viewer.locator("[name=split]").press("ArrowLeft")
    assert page.evaluate(cut) < before
    rows = viewer.locator("tbody tr")
    assert rows.count() == 2  # each codec once
    viewer.locator("[name=matched]").uncheck()
    assert rows.count() == 4
    rows.nth(3).locator("button").press("Enter")
    assert "WebP, quality 70" in viewer.locator(".says").text_content()


def test_the_colours_change(page: Any) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.locator("#theme").press("Enter")
    assert page.evaluate(ground) != light
    page.locator("#theme").press("Enter")
    assert page.evaluate(ground) == light


@pytest.mark.slow
def test_a_phone_scrolls_tables_and_not_the_page(browser: Any, index: Path) -> None:
    page, faults = opened(browser, index, 390)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert faults == []


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(browser: Any, index: Path, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    page, _ = opened(browser, index, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    found = axe.Axe().run(page).response["violations"]
    assert [f"{fault['id']}: {fault['nodes'][0]['target']}" for fault in found if fault["impact"] != "minor"] == []
    wide = "[...document.querySelectorAll('#bd_rate_ms_ssim .scroll')].map(box => box.scrollWidth - box.clientWidth)"
    assert page.evaluate(wide) == [0]  # the table fits 1,300 pixels
