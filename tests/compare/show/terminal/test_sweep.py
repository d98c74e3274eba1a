from pathlib import Path

from compare.runs.record import Run
from compare.show.terminal import sweep
from tests.compare.runs.made_run import made_sweep


def test_what_differs_is_told_in_words(tmp_path, capsys):
    run = made_sweep(tmp_path)
    table = run.tables["sweep"].assign(verdict="different", what="final_loss, accuracy curve")
    sweep.tables(Run(Path(), run.manifest, {"sweep": table}))
    assert "cell 4: different (final loss, accuracy curve); unseeded" in capsys.readouterr().out
