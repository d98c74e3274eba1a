"""The article's section: its published points, its network as it is and without its bug, and Keras."""

from dataclasses import replace

import numpy as np

from compare.agreement import parity
from compare.runs import findings
from compare.runs.record import Run
from compare.show.page.bands import curve
from compare.show.page.chart import Curve, chart
from compare.show.page.parts import FORMS, Answer, Listing, Reading, Section, Series, State, View, texts

NETWORKS = {  # in the order they are drawn
    "keras": ("line keras", "Keras"),
    "without the bug": ("line scratch", "without the bug"),
    "article": ("line article", "the article's network, run here"),
}
PUBLISHED = ("dots published", "published")


def section(run: Run) -> Section | None:
    """Return the section, if the run reproduces the article."""
    if "article_table" not in run.tables:
        return None
    found, rows = run.manifest["verdicts"]["article"], run.tables["article_table"]
    gap = parity.gap(rows["published_loss"], rows["article_loss"]).max()
    step = found["first_wrong_step"]
    words = (
        f"Not as Keras trains, and so it must be: its update is wrong from step {step + 1} on. Its backward pass keeps "
        "using the activations of the first step; without that bug it trains as Keras does."
        if step is not None
        else "Its bug was not found here, so something is wrong with this run."
    )
    judged = replace(
        findings.verdicts(run, ["article_parity"]), title="The article: the differences nearest to their tolerance"
    )
    return Section(
        name="article",
        title="The article, reproduced",
        lead="The article's network from the article's seed: layers 6-8-10-3, full batch, learning rate 0.01. "
        "Beside it the same network without its bug, and Keras from the same initial weights.",
        agree=[Answer("no" if step is None else "note", "The article's own network", words)],
        sure=[
            Answer(
                "note",
                "The article's numbers",
                f"Its ten published rows come back to {gap:.0e} in the loss, its accuracies "
                + (
                    "exactly." if (rows["published_accuracy"] == rows["article_accuracy"]).all() else "not all exactly."
                ),
            )
        ],
        keys=[*NETWORKS.values(), PUBLISHED],
        views=[_view(run)],
        listings=[
            Listing(findings.published(run)),
            Listing(findings.depth(run)),
            Listing(judged, [_state(row[-1]) for row in judged.rows]),
        ],
    )


def _state(verdict: str) -> State:
    return "no" if "FAIL" in verdict else "note" if "must" in verdict else "yes"


def _view(run: Run) -> View:
    table, published = run.tables["article"], run.tables["article_table"]
    runs = {name: table[table["network"] == name].sort_values("epoch") for name in NETWORKS}
    epochs = np.arange(len(runs["keras"]))
    charts = [
        chart(
            measure,
            "epoch",
            [
                *(
                    each
                    for name, of in runs.items()
                    for each in curve(NETWORKS[name][0].split()[1], measure, epochs, of[measure])
                ),
                Curve(PUBLISHED[0], published["epoch"], published[f"published_{measure}"]),
            ],
            log=measure == "loss",
        )
        for measure in FORMS
    ]
    rows: list[tuple[str, str, list[Series | None]]] = [
        (*NETWORKS[name], [Series(texts(of[measure], FORMS[measure])) for measure in FORMS])
        for name, of in runs.items()
    ]
    every = int(np.diff(published["epoch"])[0])
    rows.append(
        (
            *PUBLISHED,
            [Series(texts(published[f"published_{measure}"], FORMS[measure]), every, True) for measure in FORMS],
        )
    )
    return View("Loss and accuracy, epoch by epoch", {}, charts, Reading("epoch", len(epochs) - 1, tuple(FORMS), rows))
