from pathlib import Path

import axe_playwright_python  # type: ignore[import-untyped]
import pytest

from compare.runs.record import framed
from compare.show.page import page as report
from compare.show.page.parts import UNKNOWN
from tests.compare.runs.made_run import HOSTILE, made_run

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")


def visible(page, selector):
    return page.locator(selector).filter(visible=True).count()


def reading(page, section):
    rows = page.locator(f"#{section} .view:not([hidden]) .reading tbody tr").all()
    return {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows}


def point_at(page, chart, share):
    """Put the pointer over a chart, at a share of its width."""
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)


def test_one_view_is_shown_and_the_chosen_one(page):
    matched = page.locator("#matched")
    assert visible(page, "#matched .view") == 1
    assert "article protocol, float64" in matched.locator(".view:not([hidden]) h3").inner_text()
    matched.locator(".choice").get_by_text("keras", exact=True).click()
    matched.locator(".choice").get_by_text("float32", exact=True).click()
    assert visible(page, "#matched .view") == 1
    assert "keras protocol, float32" in matched.locator(".view:not([hidden]) h3").inner_text()


@pytest.mark.parametrize(
    ("name", "side", "other"), [("Keras", "keras", "scratch"), ("scratch (NumPy)", "scratch", "keras")]
)
def test_a_side_is_hidden_and_shown_again(page, name, side, other):
    curves, others = (f"#matched .view:not([hidden]) .charts .{each}" for each in (side, other))
    shown = visible(page, curves)
    assert shown == 3, "a line of the loss; dots on a faint line of the accuracy"
    box = page.locator("#matched .keys").get_by_label(name)
    box.uncheck()
    assert (visible(page, curves), visible(page, others)) == (0, 3)
    box.check()
    assert visible(page, curves) == shown


def test_the_pointer_reads_the_recorded_epoch(page, run):
    point_at(page, page.locator("#matched .view:not([hidden]) svg[data-axis]").first, 0.5)
    epoch = int(page.locator("#matched .view:not([hidden]) output").inner_text())
    assert 3 <= epoch <= 8
    table = run.tables["trajectories"]
    recorded = table[(table["side"] == "keras") & (table["epoch"] == epoch) & (table["dtype"] == "float64")]
    loss, accuracy = reading(page, "matched")["Keras"]
    assert loss in {f"{value:.6g}" for value in recorded["loss"]}
    assert accuracy in {f"{value:.4f}" for value in recorded["accuracy"]}
    assert page.locator("#matched .view:not([hidden]) .cross[d]").count() == 3


def test_the_keyboard_reads_an_epoch_too(page):
    slider = page.locator("#matched .view:not([hidden]) input[type=range]")
    slider.focus()
    before = reading(page, "matched")["Keras"]
    page.keyboard.press("ArrowLeft")
    assert page.locator("#matched .view:not([hidden]) output").inner_text() == "10"
    assert reading(page, "matched")["Keras"] != before


def test_published_points_are_read_at_their_epochs_alone(page):
    slider = page.locator("#article input[type=range]")
    for epoch, known in ((180, True), (181, False)):
        slider.evaluate("(it, x) => { it.value = x; it.dispatchEvent(new Event('input')); }", epoch)
        assert (reading(page, "article")["published"][0] == "0.491349") is known


def test_a_table_is_sorted_up_and_down_by_numbers(page):
    table = page.get_by_role("table", name="The article, reproduced: loss (accuracy)")
    button = table.get_by_role("button", name="published", exact=True)

    def column():
        return [float(text.split()[0]) for text in table.locator("tbody td:nth-child(2)").all_inner_texts()]

    button.click()
    assert column() == sorted(column())
    button.press("Enter")
    assert column() == sorted(column(), reverse=True)
    assert table.locator("th[aria-sort=descending]").count() == 1


def test_without_its_script_the_page_shows_everything(open_page, path):
    page = open_page(path, java_script_enabled=False)
    assert visible(page, "#matched .view") == 8
    assert visible(page, "input") == 0
    assert visible(page, "th button") == 0


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["path", "check_path", "sweep_path"])
def test_it_fits_and_axe_finds_nothing_serious(open_page, request, kind, width, scheme):
    page = open_page(request.getfixturevalue(kind), color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") == width
    heights = page.locator(".chart text").evaluate_all("all => all.map((text) => text.getBoundingClientRect().height)")
    assert min(height for height in heights if height) >= 9
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run().then((found) => found.violations)")
    assert [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in {"serious", "critical"}] == []


def fitted(frame):
    """Wait until a frame is as high as its page; return its width, the page's and the height."""
    return frame.evaluate(
        """new Promise((done) => {
            const html = document.documentElement;
            const look = () => html.offsetHeight === innerHeight
                ? done([innerWidth, html.scrollWidth, innerHeight]) : requestAnimationFrame(look);
            look();
        })"""
    )


@pytest.fixture
def notebook(open_page, check_path, tmp_path):
    """A notebook's page with a check in it, and the frame of that, once it has its height."""
    cell = tmp_path / "notebook.html"
    cell.write_text(f"<body style='margin:0'>{framed(check_path.read_text(encoding='utf-8'))}", encoding="utf-8")
    page = open_page(cell)
    page.wait_for_function("document.querySelector('iframe').clientHeight !== 640")
    return page, page.frames[1]


def test_in_a_notebook_the_frame_is_as_wide_as_its_place_and_as_high_as_the_page(notebook):
    page, inside = notebook
    heights = []
    for width in (1280, 600):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function("width => document.querySelector('iframe').clientWidth === width", arg=width)
        *widths, height = fitted(inside)
        assert widths == [width, width]
        heights.append(height)
    assert 900 < heights[0] < heights[1], "what is narrower is higher"


def test_a_message_of_another_page_changes_no_height(notebook):
    page, inside = notebook
    fitted(inside)
    heard = "new Promise((done) => { addEventListener('message', done, { once: true }); postMessage({ height: 1 }); })"
    page.evaluate(f"{heard}.then(() => 0)")
    assert page.locator("iframe").bounding_box()["height"] > 900


@pytest.mark.parametrize("kind", ["path", "check_path", "sweep_path"])
def test_the_verdict_is_on_a_telephones_screen(open_page, request, kind):
    page = open_page(request.getfixturevalue(kind))
    page.set_viewport_size({"width": 360, "height": 900})
    page.locator("details").evaluate_all("all => all.forEach((each) => { each.open = true; })")
    verdicts = page.locator("td.verdict").filter(visible=True)
    assert verdicts.count() >= 2
    for box in verdicts.evaluate_all("all => all.map((each) => each.getBoundingClientRect().toJSON())"):
        assert 0 <= box["left"] < box["right"] <= 360


def test_a_reading_opens_where_both_sides_have_values(page):
    """As published, scratch makes an update an epoch and ends at 11, Keras five."""
    assert page.locator("#unseeded .view:not([hidden]) output").inner_text() == "11"
    values = reading(page, "unseeded")
    assert all(value not in ("", UNKNOWN) for row in values.values() for value in row)


def test_the_pointer_reads_a_cell_of_a_check(open_page, check_path):
    page = open_page(check_path)
    chart = page.locator("#check .view:not([hidden]) svg[data-rows]")
    chart.scroll_into_view_if_needed()
    box, count = chart.bounding_box(), 5
    top, bottom = (float(each) for each in chart.get_attribute("data-ends").split())
    share = (top + 3.5 * (bottom - top) / count) / float(chart.get_attribute("viewBox").split()[3])
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * share)
    under = page.locator("#check .view:not([hidden]) tr.under")
    assert under.locator("th").inner_text() == "kernel 2"
    assert under.locator("td").last.inner_text() == "3.0e+07"


def test_a_cell_of_a_sweep_opens_its_trajectories(open_page, sweep_path):
    page = open_page(sweep_path)
    title = page.locator("#sweep .view:not([hidden]) h3")
    assert title.inner_text().startswith("cell 3, matched: no parity")
    page.get_by_role("link", name="cell 1: parity").click()
    assert title.inner_text().startswith("cell 1, matched: parity")
    assert page.locator("#sweep .chosen").count() == 1
    assert visible(page, "#sweep .view") == 1


def test_two_schemes_have_two_backgrounds(open_page, path):
    colours = {
        open_page(path, color_scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    }
    assert len(colours) == 2


def test_on_paper_it_is_a_few_light_pages(page):
    printed = page.pdf(prefer_css_page_size=True)
    assert 3 <= printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") <= 10
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert visible(page, "input") == 0


def test_a_hostile_name_is_text(open_page, tmp_path):
    data = {"name": HOSTILE, "n": 1, "features": [HOSTILE], "classes": [HOSTILE], "sha256": ""}
    hostile = report.write(made_run(tmp_path / "runs", data=data, command=HOSTILE), tmp_path)
    page = open_page(hostile)
    assert HOSTILE in page.locator("header").inner_text()
    assert HOSTILE in page.locator("pre").inner_text()
    assert page.locator("img").count() == 0
