import pytest

from compare import InputError
from compare.show.figures import tensorboard
from tests.compare.runs.made_run import EPOCHS, made_check, made_run, made_sweep


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return made_run(tmp_path_factory.mktemp("runs"))


def test_both_sides_of_a_pair_are_runs_beside_each_other(run):
    curves = dict(tensorboard.curves(run))
    pair = "matched/keras/float64/weights by scratch/pair 1"
    table = run.tables["trajectories"].query(
        "protocol == 'keras' and dtype == 'float64' and drawn_by == 'scratch' and replicate == 1"
    )
    for side in ("keras", "scratch"):
        recorded = table[table["side"] == side].set_index("epoch")["loss"]
        assert curves[f"{pair}/{side}"]["loss"].to_dict() == recorded.to_dict()


def test_every_part_has_its_curves(run):
    names = [name for name, _ in tensorboard.curves(run)]
    assert len(names) == len(set(names)) == 2 * 2 * 2 * 2 * 2 + 3 * 2 + 5


def test_the_event_files_hold_the_recorded_numbers(run, tmp_path, monkeypatch):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorflow import make_ndarray

    name, curve = next(iter(tensorboard.curves(run)))
    monkeypatch.setattr(tensorboard, "curves", lambda run: [(name, curve)])
    tensorboard.write(run, tmp_path)
    found = EventAccumulator(str(tmp_path / run.folder.name / name), size_guidance={"tensors": 0}).Reload()
    assert sorted(found.Tags()["tensors"]) == ["accuracy", "loss"]
    events = found.Tensors("loss")
    assert [event.step for event in events] == list(range(EPOCHS))
    written = [make_ndarray(event.tensor_proto).item() for event in events]
    assert written == pytest.approx(curve["loss"].tolist(), rel=1e-6)  # TensorBoard keeps float32


def test_a_sweep_has_a_curve_a_side_of_each_cell(tmp_path):
    names = [name for name, _ in tensorboard.curves(made_sweep(tmp_path))]
    assert len(names) == 12
    assert names[0] == "sweep/cell 0/keras"


def test_a_check_has_no_curves(tmp_path):
    with pytest.raises(InputError, match=r"^`tensorboard` is for runs with curves"):
        tensorboard.write(made_check(tmp_path), tmp_path)


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"^`tensorboard` must be a folder .* name another$"):
        tensorboard.prepare(tmp_path / "file")


def test_without_tensorboard_the_fix_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'keras-parity\[tensorboard\]'"):
        tensorboard.prepare(tmp_path / "events")
    assert not (tmp_path / "events").exists()
