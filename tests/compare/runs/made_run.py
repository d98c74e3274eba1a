"""A finished run's tables without training anything: what the tests of the report and of the exports look at."""

from pathlib import Path

import numpy as np
import pandas as pd

from compare.agreement import parity, tolerance
from compare.agreement.comparison import compare_runs
from compare.experiments import article
from compare.experiments.experiment import Experiment
from compare.experiments.pair import trajectory
from compare.experiments.unseeded import Unseeded, settings
from compare.recipe.protocol import PROTOCOLS
from compare.runs import record
from compare.runs.class_folder import as_table
from compare.runs.recorder import recording
from compare.runs.submissions import Submission, class_verdict

EPOCHS = 12
DTYPES = ("float32", "float64")
LEAST = {dtype: float(tolerance.least(1.0, dtype)) for dtype in DTYPES}
HOSTILE = '<img src=x onerror="alert(1)"></script><script>alert(2)</script>'


def made_run(out: Path, parts: tuple[str, ...] = ("article", "matched", "unseeded"), **changes: object) -> record.Run:
    """Write a run's folder with made-up numbers and read it back; `changes` are entries of its manifest."""
    experiment, rng = Experiment(), np.random.default_rng(0)
    verdicts: dict[str, object] = {"passed": True}
    with recording(out, "run") as recorder:
        if "matched" in parts:
            for name, table in _matched(experiment, rng).items():
                recorder.table(name, table)
            verdicts["matched"] = {"passed": True, "undecidable": 0, "in_part": 0, "decided": 1.0}
        if "unseeded" in parts:
            unseeded = _unseeded(experiment, rng)
            recorder.table("unseeded.parquet", unseeded.trajectories)
            recorder.table("unseeded_tests.csv", unseeded.tests())
            verdicts["unseeded"] = {name: each.verdict for name, each in unseeded.comparisons.items()}
        if "article" in parts:
            for name, table in _article().items():
                recorder.table(name, table)
            verdicts["article"] = {"passed": True, "first_wrong_step": 1}
        recorder.manifest = {
            "kind": "run",
            "command": "keras-parity run --epochs 12",
            "config": {"data": "iris", "seed": 0, "layers": None},
            "protocols": {
                name: {"name": name, "epochs": EPOCHS, "batch_size": each.batch_size}
                for name, each in PROTOCOLS.items()
            },
            "settings": {
                each.name: {side.side: [side.initializer, side.protocol.name] for side in (each.scratch, each.keras)}
                for each in settings(experiment)
            },
            "layers": [6, 10, 8, 3],
            "seeds": {"seed": 0, "matched_pairs": [0, 1]},
            "data": {"name": "iris", "n": 150, "features": ["a", "b"], "classes": ["c", "d"], "sha256": "0" * 64},
            "code": {"version": "0.1.0", "commit": None, "dirty": None},
            "env": {"python": "3.11"},
            "keras_training": "compiled graph, bit-equal to fit",
            "tolerances": {"bar": LEAST, "floor_factor": 10.0, "probe": 1e-3},
            "speed": [
                {"protocol": "keras", "dtype": "float64", "side": side, "microseconds": of}
                for side, of in (("scratch", 40.0), ("keras", 100.0))
            ],
            "verdicts": verdicts,
            **changes,
        }
        folder = recorder.finished
    return record.read(folder)


def _falling(rng: np.random.Generator, replicates: int) -> np.ndarray:
    epochs = np.arange(EPOCHS)
    return np.exp(-rng.uniform(0.05, 0.2, (replicates, 1)) * epochs) + rng.uniform(0.2, 0.3, (replicates, 1))


def _matched(experiment: Experiment, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    trajectories, floors, rows = [], [], []
    for protocol in experiment.protocols:
        for dtype in DTYPES:
            for drawn_by in ("scratch", "keras"):
                case = {"protocol": protocol.name, "dtype": dtype, "drawn_by": drawn_by}
                loss, epsilon = _falling(rng, 2), np.finfo(dtype).eps
                keras = loss + epsilon * rng.integers(-1, 2, loss.shape)
                floor = np.full_like(loss, epsilon)
                for side, of_side in (("scratch", loss), ("keras", keras)):
                    trajectories.append(trajectory(of_side, 1 - of_side / 2, side=side, **case))
                floors.append(trajectory(floor, 0 * floor, **case))
                for pair in range(2):
                    judged = parity.judge(loss[pair], keras[pair], LEAST[dtype], LEAST[dtype])
                    rows.append({**case, "replicate": pair, "what": "loss", "tensor": "", **judged._asdict()})
    tables = {"trajectories.parquet": trajectories, "noise_floor.parquet": floors}
    cases = pd.DataFrame(rows)[["protocol", "dtype", "drawn_by", "replicate"]]
    pairs = cases.assign(verdict="parity", decided=EPOCHS, epochs=EPOCHS)
    return {
        "parity.csv": pd.DataFrame(rows),
        "pairs.csv": pairs,
        **{name: pd.concat(each) for name, each in tables.items()},
    }


def _unseeded(experiment: Experiment, rng: np.random.Generator) -> Unseeded:
    runs, comparisons = {}, {}
    for setting in settings(experiment):
        for procedure in (setting.scratch, setting.keras):
            loss = _falling(rng, 60)
            runs[procedure] = loss, np.round((1 - loss / 2) * 150) / 150
        comparisons[setting.name] = compare_runs(
            *runs[setting.scratch], *runs[setting.keras], rng=rng, permutations=199
        )
    tables = [
        trajectory(*of, side=each.side, initializer=each.initializer, protocol=each.protocol.name, dtype="float32")
        for each, of in runs.items()
    ]
    return Unseeded(settings(experiment), pd.concat(tables), comparisons, failures=[])


def _article() -> dict[str, pd.DataFrame]:
    loss = np.interp(np.arange(200), article.PUBLISHED["epoch"], article.PUBLISHED["loss"])
    names = {"article": "scratch", "without the bug": "scratch", "keras": "keras"}
    names |= {"article 6-8-3": "scratch", "without the bug 6-8-3": "scratch"}
    table = article.PUBLISHED.rename(columns={"loss": "published_loss", "accuracy": "published_accuracy"})
    for name in ("article", "without_the_bug", "keras"):
        table[f"{name}_loss"], table[f"{name}_accuracy"] = table["published_loss"], table["published_accuracy"]
    row = {
        "dtype": "float64",
        "largest": 0.6,
        "nearest": 0.6,
        "tolerance": 1e-13,
        "step": 1,
        "first": 1,
        "judged_by": "bar",
    }
    judged = [{"what": "loss against Keras", **row, "passed": False, "expected": False}]
    curves = [trajectory(loss, 0 * loss + 0.5, network=name, side=side) for name, side in names.items()]
    return {
        "article.parquet": pd.concat(curves),
        "article_table.csv": table,
        "article_parity.csv": pd.DataFrame(judged),
    }


def made_check(out: Path, subject: str = "net.py:Network", **changes: object) -> record.Run:
    """Write a failed check's folder, made up; `changes` are entries of its manifest's report."""
    at = {"situation": "raw, full batch", "step": 1, "phase": "dW", "layer": 1, "tensor": "kernel", "error": None}
    cause = {"name": "stale activations", "parameters": [], "words": "it keeps them", "change": "clear the list"}
    told = {
        "verdict": "training wrong",
        "passed": False,
        "headline": "NOT PARITY: training wrong: stale activations",
        "bit_equal": False,
        "largest_ratio": 0.03,
        "refusal": None,
        "warnings": [],
        "strict": False,
        "guilty": [
            {"file": "net.py", "first": 2, "last": 2, "function": "back", "source": "W @ <A>", "says": "`A` is stale"}
        ],
        "warned": [],
        "not_traced": None,
        "divergence": {**at, "value": 1.5, "expected": 1.25},
        "diagnosis": [{"causes": [cause], "confirmed_steps": 5, "situations": 2}],
        "trainings": [
            {
                "name": "train, full batch",
                "wrong_weights": True,
                "wrong_history": False,
                "controlled": True,
                "history": [1.0, 0.9],
                "keras": [1.0, 0.8],
                "error": None,
            }
        ],
        "notes": ["gradients were left out"],
        "driven": "an object, 4-5-3 (relu)",
        **changes,
    }
    ratios = {"standardised, full batch": 0.005, "raw, full batch": 3e7}
    rows = [
        {"what": what, "step": step, "layer": layer, "tensor": tensor, "max_abs": ratio * 1e-15, "tolerance": 1e-15}
        | {"ratio": ratio if step else 0.0, "passed": ratio <= 1 or not step}
        for what, ratio in ratios.items()
        for step in range(6)
        for layer, tensor in ((None, "loss"), (0, "kernel"), (0, "bias"), (1, "kernel"), (1, "bias"))
    ]
    with recording(out, "check") as recorder:
        recorder.table("check.csv", pd.DataFrame(rows))
        quantity = {"file": "net.py", "function": "back", "factor": 1.0, "right": True}
        mapped = [
            quantity | {"line": 1, "name": "Z", "quantity": "Z of layer 1"},
            quantity | {"line": 1, "name": "Z", "quantity": "Z of layer 2"},
            quantity | {"line": 4, "name": "dZ", "quantity": "dZ of layer 2", "factor": 32.0},
        ]
        recorder.table("code_map.csv", pd.DataFrame(mapped))
        (recorder.folder / "report.txt").write_text(f"{told['headline']}\n")
        recorder.manifest = {
            "kind": "check",
            "sources": {"net.py": "Z = a @ W  # </pre><script>alert(1)</script>\nW @ <A>\n\ndZ = P - Y\n"},
            "command": f"keras-parity check {subject}",
            "subject": subject,
            "data": {"name": "iris", "n": 150, "sha256": "0" * 64},
            "code": {"version": "0.1.0", "commit": None, "dirty": None},
            "env": {"python": "3.11"},
            "report": told,
            "verdicts": {"passed": told["passed"], "verdict": told["verdict"]},
        }
        folder = recorder.finished
    return record.read(folder)


def made_sweep(out: Path) -> record.Run:
    """Write a sweep's folder, made up: four matched cells, one decided in part, one not in parity; two unseeded."""
    rng = np.random.default_rng(0)
    settings = {"data": "iris", "layers": "5", "dtype": "float64", "initializer": "uniform", "learning_rate": 0.1}
    rows, runs = [], []
    for cell, (mode, batch_size, seed, verdict) in enumerate(
        [
            ("matched", 0, 0, "parity"),
            ("matched", 0, 1, "parity"),
            ("matched", 32, 0, "parity in part"),
            ("matched", 32, 1, "no parity"),
            ("unseeded", 0, 0, "equivalent"),
            ("unseeded", 32, 0, "inconclusive"),
        ]
    ):
        decisive = {"largest": 2e-15, "nearest": 1e-15, "tolerance": 1e-13, "judged_by": "bar", "what": "loss"}
        decisive["decided"] = 0.5 if verdict == "parity in part" else 1.0
        if mode == "unseeded":
            decisive = {"final_loss_difference": 0.01, "final_loss_margin": 0.05, "replicates_80_in_mean": 300}
            decisive |= {"replicates_scratch": 9, "replicates_keras": 9}
        case = {**settings, "cell": cell, "mode": mode, "batch_size": batch_size, "seed": seed}
        rows.append({**case, "verdict": verdict, **decisive})
        for side in ("keras", "scratch"):
            loss = _falling(rng, 1 if mode == "matched" else 9)
            runs.append(trajectory(loss, 1 - loss / 2, cell=cell, side=side))
    with recording(out, "sweep") as recorder:
        recorder.table("sweep.csv", pd.DataFrame(rows))
        recorder.table("trajectories.parquet", pd.concat(runs))
        recorder.manifest = {
            "kind": "sweep",
            "command": "keras-parity sweep",
            "config": {"data": ["iris"]},
            "data": [{"name": "iris", "n": 150, "sha256": "0" * 64}],
            "code": {"version": "0.1.0", "commit": None, "dirty": None},
            "env": {"python": "3.11"},
            "verdicts": {
                "passed": False,
                "state": "no",
                "words": "matched: 2 of 4 cells in parity, 1 more as far as it could be decided",
            },
        }
        folder = recorder.finished
    return record.read(folder)


def made_class(out: Path, *rows: Submission) -> record.Run:
    """Write the folder of several networks that were checked, without the folders of the checks."""
    verdict = class_verdict(rows)
    with recording(out, "class") as recorder:
        recorder.table("class.csv", as_table(rows))
        recorder.manifest = {
            "kind": "class",
            "command": "keras-parity check '*.py:Net'",
            "subject": f"{len(rows)} networks",
            "data": {"name": "iris", "n": 150, "sha256": "0" * 64},
            "code": {"version": "0.1.0", "commit": None, "dirty": None},
            "env": {"python": "3.11"},
            "verdicts": {"passed": False, "state": verdict.state, "words": verdict.words},
        }
    return record.read(recorder.finished)
