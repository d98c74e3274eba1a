"""A check held to an earlier one: what is new is found, what was there and what only moved is not."""

import pandas as pd
import pytest

from compare.errors import InputError
from compare.runs.baseline import Against, against, findings, read_baseline
from tests.compare.runs.made_run import made_check, made_run

LINE = {"file": "net.py", "first": 2, "last": 2, "function": "back", "source": "W @ <A>", "says": "`A` is stale"}


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    return made_check(tmp_path_factory.mktemp("checks"))


def changed(run, **report):
    """The same check with another report."""
    return type(run)(run.folder, run.manifest | {"report": run.manifest["report"] | report}, run.tables)


def test_the_same_check_finds_nothing_new(check):
    found = against(check, check)
    assert (found.new, found.gone) == ((), ())
    assert found.kept == findings(check)
    assert {"line: W @ <A> in back", "cause: stale activations"} <= set(found.kept)
    assert "kernel of layer 2 in 'raw, full batch'" in found.kept
    assert "loss in 'raw, full batch'" in found.kept
    assert not any("standardised" in each for each in found.kept if "layer" in each), "there all is right"


def test_a_line_that_only_moved_is_not_new(check):
    moved = {**LINE, "first": 40, "last": 41, "file": "moved.py", "says": "`A` is of step 3"}
    assert against(changed(check, guilty=[moved]), check).new == ()


CAUSE = {"name": "another", "words": "", "change": ""}
WARNED = {"situation": "large", "words": "it overflows", "cause": None, "change": None}


@pytest.mark.parametrize(
    ("report", "new"),
    [
        ({"verdict": "not deterministic"}, "not deterministic"),
        ({"refusal": "it exits"}, "refusal: it exits"),
        ({"kind": "an online learner"}, "kind: an online learner"),
        ({"guilty": [{**LINE, "source": "W @ B"}]}, "line: W @ B in back"),
        ({"guilty": [{**LINE, "function": "step"}]}, "line: W @ <A> in step"),
        ({"diagnosis": [{"causes": [CAUSE], "confirmed_steps": 1, "situations": 1}]}, "cause: another"),
        ({"not_driven": {"one sample": "it raises"}}, "not driven to its end: one sample"),
        ({"raised": {"ragged": "ValueError: (38, 3)"}}, "ValueError in 'ragged'"),
        ({"reported_wrongly": {"accuracy": ["ragged"]}}, "accuracy told wrongly in 'ragged'"),
        ({"predictions": {"wrong": [{"method": "predict", "situation": "raw"}]}}, "`predict` in 'raw'"),
        ({"strict": True, "warnings": [WARNED]}, "warning: it overflows"),
    ],
)
def test_each_kind_of_finding_is_new_where_it_was_not_there_and_gone_where_it_is_no_more(check, report, new):
    assert against(changed(check, **report), check).new == (new,)
    assert against(check, changed(check, **report)).gone == (new,)


def test_a_tensor_that_is_wrong_now_is_new(check):
    table = check.tables["check"].copy()
    table.loc[(table["what"] == "standardised, full batch") & (table["tensor"] == "bias"), "passed"] = False
    worse = type(check)(check.folder, check.manifest, {"check": table})
    new = tuple(f"bias of layer {layer} in 'standardised, full batch'" for layer in (1, 2))
    assert against(worse, check).new == new
    extreme = changed(worse, extreme=["standardised, full batch"])
    assert against(extreme, check).new == (), "a warning fails no check"
    assert set(new) <= set(against(changed(extreme, strict=True), check).new), "but for a strict one"


def test_its_own_training_counts_where_it_is_judged(check):
    wrong = {**check.manifest["report"]["trainings"][0], "wrong_history": True, "error": "it ends early"}
    new = against(changed(check, trainings=[wrong]), check).new
    assert new == ("history of its own train, full batch", "error of its own train, full batch")
    assert against(changed(check, trainings=[{**wrong, "controlled": False}]), check).new == ()


def test_a_check_that_passes_has_no_findings_and_every_finding_is_new_since_one(check):
    right = changed(check, passed=True)
    assert findings(right) == ()
    assert against(check, right).new == findings(check)
    assert against(right, check).gone == findings(check)


def test_a_milder_verdict_is_not_new_and_counts_where_nothing_else_is_known(check):
    milder = changed(check, verdict="training right, reporting wrong")
    assert against(milder, check).new == ()
    table = check.tables["check"].assign(passed=True)
    bare = changed(type(check)(check.folder, check.manifest, {"check": table}), guilty=[], diagnosis=[], trainings=[])
    assert against(bare, check).new == ("verdict: training wrong",)


def test_it_is_told_in_a_line_and_each_new_finding_in_one():
    assert str(Against("results/0003-check", (), ("a",), ("b", "c"))) == (
        "Since 0003-check: nothing new, 2 as then, 1 no longer"
    )
    assert str(Against("0003-check", ("x", "y"), (), ())) == (
        "Since 0003-check: 2 new, 0 as then, 0 no longer\n  new: x\n  new: y"
    )


def test_other_data_are_refused(check):
    other = type(check)(check.folder, check.manifest | {"data": {"name": "wine", "n": 1, "sha256": "f" * 64}}, {})
    with pytest.raises(InputError, match="`baseline` must be a check with the data of now"):
        against(other, check)


def test_only_a_check_of_the_same_subject_with_the_same_settings_is_a_baseline(check, tmp_path):
    out, subject = check.folder.parent, check.manifest["subject"]
    assert read_baseline("1", out, subject, {}).manifest == check.manifest
    with pytest.raises(InputError, match=r"the subject of now\. Received: .*, now other.py:Net; record another"):
        read_baseline("1", out, "other.py:Net", {})
    with pytest.raises(InputError, match=r"the steps of now\. Received: .*, with None, now 5"):
        read_baseline(str(check.folder), out, subject, {"steps": 5})
    with pytest.raises(InputError, match=r"`baseline` must be a recorded check: .*no such run"):
        read_baseline("7", out, subject, {})
    run = made_run(tmp_path, parts=("matched",))
    with pytest.raises(InputError, match=r"`baseline` must be a recorded check\. Received: .*, a run; see"):
        read_baseline(str(run.folder), out, subject, {})


def test_a_folder_s_table_has_the_layers_of_a_check_that_was_not_recorded(check):
    whole = check.tables["check"].assign(layer=lambda rows: [None if pd.isna(of) else int(of) for of in rows["layer"]])
    assert against(type(check)(check.folder, check.manifest, {"check": whole}), check).new == ()
