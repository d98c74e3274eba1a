import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from compare.runs import findings
from compare.runs.submissions import Submission, not_checked
from compare.show.page import chart, parts, sweep, unseeded
from compare.show.page import page as report
from compare.show.terminal.summary import tell
from tests.compare.runs.made_run import HOSTILE, made_check, made_class, made_run, made_sweep


class Page(HTMLParser):
    """Collects tags, attributes and text as a browser would."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return made_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def page(run):
    return report.html(run)


def test_the_verdict_comes_first(page):
    assert Page(page).text.split("</style>")[-1].index("Parity holds") < page.index("Do they agree?")
    assert re.search(r'<header class="yes">', page)


def test_an_expected_difference_is_no_cross(run, page, tmp_path):
    sections = {each.name: each for provide in report.PROVIDERS if (each := provide(run))}
    (own,) = sections["article"].agree
    assert (own.state, own.about) == ("note", "The article's own network")
    assert sections["unseeded"].agree[0].state == "note"
    states = zip(sections["unseeded"].listings[0].table.rows, sections["unseeded"].listings[0].states, strict=True)
    assert {state for row, state in states if row[0] == "as published"} == {"note"}
    lost = {"passed": False, "article": {"passed": False, "first_wrong_step": None}}
    (section,) = (
        each for provide in report.PROVIDERS if (each := provide(made_run(tmp_path, ("article",), verdicts=lost)))
    )
    assert section.agree[0].state == "no", "its bug was not found"


def test_sides_that_must_be_alike_and_differ_have_a_cross(run):
    tests = run.tables["unseeded_tests"].copy()
    tests.loc[(tests["setting"] != "as published") & (tests["outcome"] == "all"), "verdict"] = "different"
    unalike = {**run.manifest["verdicts"]["unseeded"], "like for like, uniform": "different"}
    changed = replace(
        run,
        tables={**run.tables, "unseeded_tests": tests},
        manifest={**run.manifest, "verdicts": {**run.manifest["verdicts"], "unseeded": unalike}},
    )
    section = unseeded.section(changed)
    assert section is not None
    assert [answer.state for answer in section.agree][-1] == "no"
    rows = zip(section.listings[0].table.rows, section.listings[0].states, strict=True)
    assert {state for row, state in rows if row[0] != "as published" and row[1] == "all"} == {"no"}


def test_tests_come_in_the_same_order_in_every_setting(run):
    section = unseeded.section(run)
    assert section is not None
    orders: dict[str, list[str]] = {}
    for setting, outcome, *_ in section.listings[0].table.rows:
        orders.setdefault(setting, []).append(outcome)
    longest = max(orders.values(), key=len)
    for order in orders.values():
        assert order == [outcome for outcome in longest if outcome in order]


def test_the_title_names_the_run_and_its_data(run, page, tmp_path):
    assert f"<title>Run {int(run.folder.name[:4])} on iris: parity holds</title>" in page
    assert "<title>Check 1 of net.py:Network on iris: NOT PARITY" in report.html(made_check(tmp_path / "checks"))
    assert "<title>Sweep 1 on iris: matched" in report.html(made_sweep(tmp_path / "sweeps"))


def test_the_page_says_when_and_for_how_long(run):
    run = replace(run, manifest={**run.manifest, "begun": "2026-11-28T19:00:35+00:00", "seconds": 150.0})
    assert "28 November 2026, 19:00 UTC, in 2.5 minutes" in report.html(run)
    older = {name: of for name, of in run.manifest.items() if name not in ("begun", "seconds")}
    assert " UTC" not in report.html(replace(run, manifest=older))


def test_what_is_empty_is_left_out(tmp_path):
    refused: dict[str, Any] = {"verdict": "cannot be driven", "refusal": "it has no weights", "divergence": None}
    run = made_check(tmp_path, **refused, guilty=[], diagnosis=[], trainings=[])
    run = replace(run, tables={**run.tables, "check": run.tables["check"][:0], "code_map": run.tables["code_map"][:0]})
    page = Page(report.html(run))
    assert ("data-name", "check") not in page.attributes
    assert "Step by step" not in page.text
    assert "Seeds" not in page.text
    none = replace(run, manifest={**run.manifest, "data": {**run.manifest["data"], "classes": []}})
    assert "<dt>classes</dt>" not in report.html(none)
    listing = parts.Listing(
        findings.Table("", (findings.Column("a"), findings.Column("b")), [("x", None), ("y", None)])
    )
    assert listing.filled == [0]


def test_a_reading_opens_where_the_first_series_ends():
    rows: Any = [("", "", [parts.Series(["a"] * 11, every=5), None]), ("", "", [parts.Series(["b"] * 52)])]
    assert parts.Reading("", 59, ("loss", "accuracy"), rows).opens == 50
    assert parts.Reading("", 60, ("loss", "accuracy"), rows, first=1).opens == 51


def test_a_failed_run_says_so_in_words_shape_and_colour(tmp_path):
    told = {"passed": False, "undecidable": 0, "in_part": 0, "decided": 1.0}
    failed = made_run(tmp_path, verdicts={"passed": False, "matched": told}, parts=("matched",))
    page = report.html(failed)
    assert "Parity does NOT hold" in page
    assert '<header class="no">' in page
    assert page.index('class="mark no"') < page.index("Do they agree?")


def test_the_page_asks_the_network_for_nothing(page):
    loads = {"src", "href", "action", "data", "poster", "srcset"}
    assert not [(name, value) for name, value in Page(page).attributes if name in loads and value[:1] != "#"]
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


@pytest.mark.parametrize("parts_run", [("matched",), ("unseeded",), ("article",)])
def test_a_run_of_one_part_has_its_section_alone(tmp_path, parts_run):
    page = Page(report.html(made_run(tmp_path, parts=parts_run)))
    names = [value for name, value in page.attributes if name == "data-name"]
    assert names == list(parts_run)


def test_text_from_data_and_users_stays_text(tmp_path):
    clean = Page(report.html(made_run(tmp_path / "clean")))
    data = {"name": HOSTILE, "n": 150, "features": [HOSTILE], "classes": [HOSTILE], "sha256": HOSTILE}
    hostile = Page(
        report.html(
            made_run(tmp_path / "hostile", data=data, command=HOSTILE, config={HOSTILE: HOSTILE}, env={"cpu": HOSTILE})
        )
    )
    assert hostile.tags.count("script") == clean.tags.count("script") == 2
    assert "img" not in hostile.tags
    assert not [name for name, _ in hostile.attributes if name.startswith("on")]
    assert hostile.text.count(HOSTILE.partition("</script>")[0]) >= 7


def test_no_text_ends_the_element_that_holds_the_readings():
    cell = parts.Series(["</script><script>alert(1)</script>"])
    view = parts.View("", {}, [], parts.Reading("epoch", 0, ("loss",), [("line", "", [cell])]))
    section = parts.Section("name", "", "", [], [], views=[view])
    assert "<" not in report.readings_as_json([section])


def test_the_reading_without_the_script_is_the_last_epoch(run, page):
    last = run.tables["trajectories"].query("side == 'keras' and epoch == 11 and dtype == 'float64'")["loss"]
    assert any(f"{value:.6g}" in page for value in last)
    assert parts.Series(["a", "b"], every=5).at(9) == "b"
    assert parts.Series(["a", "b"], every=5).at(10) == parts.UNKNOWN
    assert parts.Series(["a", "b"], every=5, exact=True).at(4) == parts.UNKNOWN


def test_a_page_is_small(page):
    assert len(page.encode()) < 500_000


def test_nan_lifts_the_pen_and_infinity_stays_inside():
    drawn = chart.chart("", "", [chart.Curve("line", np.arange(5), [1.0, np.inf, np.nan, 2.0, 3.0])])
    ((_, d),) = drawn.paths
    assert d.count("M") == 2
    heights = [float(each) for each in re.findall(r",([\d.]+)", d)]
    assert all(chart.TOP <= height <= chart.BOTTOM for height in heights)


@pytest.mark.parametrize("values", [[0.0, 1.0, 2.0], [0.5, 0.5, 0.5], [np.nan] * 3, [-1.0, 1.0, np.inf], [0.0] * 3])
def test_any_values_have_an_axis_with_ticks(values):
    drawn = chart.chart("", "", [chart.Curve("line", np.arange(3), values)], log=True)
    ticks = drawn.y.ticks()
    assert len(ticks) >= 2
    assert all(chart.TOP - 0.1 <= at <= chart.BOTTOM + 0.1 for at, _ in ticks)


def test_one_epoch_is_drawn_as_a_dot():
    ((_, d),) = chart.chart("", "", [chart.Curve("line", [0], [1.0])]).paths
    assert d.endswith("h0")


@pytest.mark.parametrize(("low", "high", "arrows"), [(-1, 1, 0), (-4, 0, 1), (-4, 5, 2)])
def test_an_interval_that_goes_on_has_an_arrow(low, high, arrows):
    assert [look for look, _ in chart.interval(low, 0.0, high)].count("span") == 1 + arrows


@pytest.mark.parametrize("count", [1, 5, 40])
def test_every_row_of_a_map_has_room_for_its_name(count):
    names = chart.Names([f"kernel {row}" for row in range(count)])
    heights = [at for at, _ in names.ticks()]
    assert len(heights) == count
    assert all(below - above >= chart.ROW - 0.1 for above, below in itertools.pairwise(heights))
    assert chart.TOP < heights[0] <= heights[-1] < names.start
    assert names.start >= chart.BOTTOM


def test_every_dash_number_stays_on_one_line():
    assert report.unbroken("at most 1e-13 in float64, -3") == "at most 1e-\u206013 in float64, -3"


def test_a_check_tells_where_why_and_what_to_do(tmp_path):
    page = Page(report.html(made_check(tmp_path)))
    # In the files, steps and layers are counted from 0.
    assert "First at step 2 of" in page.text
    assert "in dW of layer 2: 1.5 where Keras has 1.25." in page.text
    assert "The likely cause: stale activations" in page.text
    assert "To do: clear the list." in page.text
    assert ("data-name", "check") in page.attributes


def test_the_source_is_shown_with_what_each_line_makes_and_the_guilty_marked(tmp_path):
    (section,) = (each for provide in report.PROVIDERS if (each := provide(made_check(tmp_path))))
    wrong, source = section.sources
    assert (wrong.title, wrong.folded) == ("net.py: the lines that go wrong", False)
    assert (source.title, source.folded) == ("net.py, line by line", True)
    assert wrong.lines == source.lines, "three lines around line 2 are the whole file"
    assert [(line.number, line.makes, line.guilty) for line in source.lines] == [
        (1, "Z of layers 1 and 2", False),
        (2, "", True),
        (3, "", False),
        (4, "32 \N{MULTIPLICATION SIGN} dZ of layer 2", False),
    ]
    page = Page(report.html(made_check(tmp_path)))
    assert "W @ <A>: `A` is stale." in page.text
    assert "net.py, line 2: W @ <A>" in page.text
    assert "</pre><script>alert(1)</script>" in page.text, "as text, not as an element"
    assert page.tags.count("script") == 2


def test_of_a_file_only_what_ran_is_shown_and_what_is_around_it(tmp_path):
    run = made_check(tmp_path)
    run.manifest["sources"]["net.py"] = "\n" * 3 + "first\n" * 20
    (section,) = (each for provide in report.PROVIDERS if (each := provide(run)))
    assert [line.number for line in section.sources[-1].lines] == [1, 2, 3, 4, 5, 6, 7]


def test_of_lines_that_go_wrong_far_apart_what_is_between_is_left_out_and_marked(tmp_path):
    run = made_check(tmp_path)
    run.manifest["sources"]["net.py"] = "line\n" * 40
    (again,) = run.manifest["report"]["guilty"]
    run.manifest["report"]["guilty"] = [again, {**again, "first": 30}]
    (section,) = (each for provide in report.PROVIDERS if (each := provide(run)))
    assert [line.number for line in section.sources[0].lines] == [*range(1, 6), *range(27, 34)]
    page = report.html(run)
    assert page.count('<tr class="gap">') == 1
    assert page.index("the lines that go wrong") < page.index("Do they agree?") < page.index("line by line")


def test_where_no_line_is_wrong_the_whole_source_comes_first(tmp_path):
    right: dict[str, Any] = {"passed": True, "guilty": [], "divergence": None, "diagnosis": []}
    page = report.html(made_check(tmp_path, **right))
    assert page.index("net.py, line by line") < page.index("Do they agree?")
    assert "the lines that go wrong" not in page


def test_a_check_shows_the_situation_that_fails_first_and_marks_the_first_cell(tmp_path):
    (section,) = (each for provide in report.PROVIDERS if (each := provide(made_check(tmp_path))))
    assert [view.choice["situation"] for view in section.views] == ["raw, full batch", "standardised, full batch"]
    looks = [[look for look, _ in view.charts[0].paths] for view in section.views]
    assert looks == [["cell r0", "cell r6", "mark"], ["cell r0"]]
    assert section.listings[0].states == ["yes", "no"]
    assert [row[3] for row in section.listings[0].table.rows] == [None, 2]
    reading = section.views[0].reading
    assert (reading.first, reading.last) == (1, 6)
    assert [name for _, name, _ in reading.rows] == ["loss", "kernel 1", "bias 1", "kernel 2", "bias 2"]


def test_a_check_tells_its_warnings_and_what_to_do(tmp_path):
    warned = {"situation": "saturated logits", "words": "the loss is infinite", "cause": "log of 0", "change": "add it"}
    right: dict[str, Any] = {
        "passed": True,
        "verdict": "parity",
        "divergence": None,
        "diagnosis": [],
        "warnings": [warned],
    }
    page = Page(report.html(made_check(tmp_path, **right)))
    assert "1 warning: see below" in page.text
    assert "A warning, in saturated logits: log of 0" in page.text
    assert "The loss is infinite. To do: add it." in page.text


@pytest.mark.parametrize(
    ("changes", "state", "words"),
    [
        ({"passed": True, "verdict": "parity", "divergence": None, "diagnosis": []}, "yes", "to rounding"),
        (
            {"passed": True, "verdict": "parity", "bit_equal": True, "divergence": None, "diagnosis": []},
            "yes",
            "bit for",
        ),
        ({"verdict": "cannot be driven", "refusal": "it has no weights", "divergence": None}, "open", "no weights"),
        ({"verdict": "not deterministic", "divergence": None, "diagnosis": []}, "no", "not deterministic"),
        ({"diagnosis": []}, "no", "where Keras has"),
    ],
)
def test_every_verdict_of_a_check_has_its_answer(tmp_path, changes, state, words):
    (section,) = (each for provide in report.PROVIDERS if (each := provide(made_check(tmp_path, **changes))))
    assert section.agree[0].state == state
    assert words in section.agree[0].words


def test_a_notebook_shows_the_page_in_a_frame_of_its_own(run):
    assert run._repr_html_() is None, "its page is gone"
    report.write(run, run.folder)
    shown = Page(run._repr_html_())
    assert shown.tags == ["iframe"]
    settings = dict(shown.attributes)
    assert settings["sandbox"] == "allow-scripts"
    assert settings["srcdoc"] == report.html(run)


def test_unseeded_runs_are_read_at_one_weight_update(page):
    assert "<caption>at weight update <output>" in page
    assert "at weight updates" not in page


def test_a_sweep_opens_the_cell_that_does_not_agree_first(tmp_path):
    (section,) = (each for provide in report.PROVIDERS if (each := provide(made_sweep(tmp_path))))
    assert section.views[0].title.startswith("cell 3, matched: no parity")
    assert section.views[1].title.startswith("cell 2, matched: parity in part, 50% of epochs decided")
    assert section.views[2].title.startswith("cell 5, unseeded: inconclusive")
    matched, unseeded = section.matrices
    assert matched.header[0] == [("full batch", 2), ("batches of 32", 2)]
    assert [cell and cell.state for cell in matched.rows[0][1]] == ["yes", "yes", "open", "no"]
    assert [cell and cell.view for cell in unseeded.rows[0][1]] == [5, 2]
    assert [answer.state for answer in section.agree] == ["no", "open"]


def test_a_cell_in_parity_in_part_is_not_shown_as_one_in_parity(tmp_path, capsys):
    run = made_sweep(tmp_path)
    (section,) = (each for provide in report.PROVIDERS if (each := provide(run)))
    states = {cell.label: cell.state for _, row in section.matrices[0].rows for cell in row if cell is not None}
    assert states["cell 2: parity in part"] == "open"
    assert states["cell 1: parity"] == "yes"
    assert "cell 2, matched: parity in part, 50% of epochs decided" in report.html(run)
    tell(run, tmp_path)
    assert "cell 2: parity in part (50% of epochs decided)" in capsys.readouterr().out


def test_a_large_sweep_keeps_the_page_small_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "OPENED", 2)
    (section,) = (each for provide in report.PROVIDERS if (each := provide(made_sweep(tmp_path))))
    assert len(section.views) == 2
    assert "The page holds the trajectories of 2 cells." in section.lead
    assert [cell and cell.view for cell in section.matrices[0].rows[0][1]] == [None, None, 1, 0]


def test_a_class_has_a_row_for_each_network_which_opens_its_page_from_wherever_the_page_lies(tmp_path):
    told = ("training wrong", False, "NOT PARITY", f"{HOSTILE}.py", 4, "step", HOSTILE, HOSTILE)
    wrong = Submission(1, f"{HOSTILE}.py:Net", *told, 1.0, "0001-check-20261128T101502Z")
    other = Submission(2, "b.py:Net", *told, 1.0, "0002-check-20261128T101502Z")
    run = made_class(tmp_path / "runs", wrong, other, not_checked(3, "c.py:Net", "interrupted"))
    page = Page(report.html(run))
    assert [value for name, value in page.attributes if name == "href"] == [
        f"./{each.run}/report.html" for each in (wrong, other)
    ]
    assert "0 of 3 in parity; 2 training wrong; 1 not checked" in page.text
    assert f"4: {HOSTILE}" in page.text, "of the network's own file"
    assert f"{HOSTILE}.py:4: {HOSTILE}" in page.text, "of another file"
    assert "img" not in page.tags
    for state, count in (("no", 2), ("open", 1)):
        assert page.attributes.count(("class", f"mark {state}")) == count + 1 + (state == "no"), "one each, above too"
    elsewhere = report.write(run, tmp_path).read_text(encoding="utf-8")
    assert f'href="runs/{run.folder.name}/{wrong.run}/report.html"' in elsewhere
