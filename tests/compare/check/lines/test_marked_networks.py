"""Of small networks with one thing wrong the line is told, wherever it stands: in a step, a constructor, a `fit`."""

from pathlib import Path

import pytest

from compare import check_parity
from compare.check.lines.repairs import MORE
from compare.check.lines.saying import PLACES
from compare.data.dataset import load
from tests.compare.check.lines import marked_networks as networks

pytestmark = pytest.mark.usefixtures("quick")
FILE = networks.__file__
RIGHT = [
    networks.Right,
    networks.Fits,
    networks.Ruled,
    networks.Derived,
    networks.Packed,
    networks.BySamples,
    networks.OfObjects,
    networks.Records,
    networks.Passes,
    networks.InBuffers,
    networks.TellsAccuracy,
    networks.Engine,
]
WRONG = [
    networks.SkipsTheFirst,
    networks.MomentumByDefault,
    networks.DecayGiven,
    networks.DecayOfOptions,
    networks.SlopeGiven,
    networks.DerivativeOfAnother,
    networks.NeverCleared,
    networks.ClearedOnceAnEpoch,
    networks.PackedTurned,
    networks.CachedByTheSize,
    networks.DefaultThatIsKept,
    networks.Clipped,
    networks.LossSoFar,
    networks.NotKept,
    networks.RateOfAnother,
    networks.UpdatesTwice,
    networks.KeepsAnother,
    networks.RateAtEachLayer,
    networks.OneTooMany,
    networks.SummedTooOften,
    networks.ReadsTheNew,
    networks.BoundLate,
    networks.LeavesTheViews,
    networks.CountsTheLast,
    networks.WholeLosses,
    networks.RecordsTheSign,
    networks.PassesEarly,
    networks.Named,
    networks.UsedUp,
    networks.EndsEarly,
    networks.NeverReset,
    networks.SumsSquares,
    networks.WritesOver,
    networks.OneListForBoth,
    networks.ErrorBeforeItIsScaled,
    networks.AskedLate,
    networks.LeavesTheFirst,
    networks.PackedTurnedBefore,
    networks.ChosenForAll,
    networks.TakesTheLeast,
    networks.UnpacksTheWrongCount,
    networks.GoesByAText,
    networks.Overwrites,
    networks.VisitsTwice,
    networks.FlatRate,
    networks.ChangesWhatItTells,
    networks.ClearsTheSame,
    networks.KeepsTheTurned,
    networks.CountsOnce,
    networks.YieldsTooFew,
    networks.DecaysAsFast,
    networks.LosesTheMaximum,
    networks.BeginsAtTheSecond,
    networks.ErrorOfWholeNumbers,
    networks.UpdatesInside,
]
MOST = PLACES + MORE  # lines that are told in all, of all places


def marked(network):
    """The number of the line that is marked in a class, or as the class's."""
    lines = Path(FILE).read_text(encoding="utf-8").splitlines()
    name = network.__name__
    named = [number for number, line in enumerate(lines) if line.endswith(f"# the line of {name}")]
    start = next(number for number, line in enumerate(lines) if line.startswith(f"class {name}("))
    inside = [number for number in range(start, len(lines)) if lines[number].endswith("# the line")]
    return [*named, *inside][0] + 1


def checked(network):
    iris = load("iris")
    few = iris.X[::4], iris.y[::4]  # of each class some
    return check_parity(network, few, layers=(6, 5, 3), steps=4, batch_size=16)


def timed(network):
    """Some lines are known by an edit that is tried late."""
    late = network in (networks.OneListForBoth, networks.UnpacksTheWrongCount)
    return pytest.param(network, marks=[pytest.mark.seconds_for_edits(4.0)] if late else [], id=network.__name__)


@pytest.mark.parametrize("network", [timed(network) for network in WRONG])
def test_the_line_of_what_is_wrong_is_told(network):
    report = checked(network)
    assert not report.passed
    told = {number for each in report.guilty for number in range(each.first, each.last + 1) if each.file == FILE}
    assert marked(network) in told, [(each.first, each.source, each.says) for each in report.guilty]
    assert len(report.guilty) <= MOST


def test_what_is_wrong_in_later_steps_is_told_beside_what_is_wrong_in_the_first():
    report = checked(networks.OffAtFirstAndLater)
    sources = [each.source for each in report.guilty]
    assert "super().loss(P, y) / P.shape[1]" in sources
    assert "pair[0] + dW" in sources


def test_of_numbers_that_are_made_one_by_one_only_what_mends_them_is_told():
    iris = load("iris")
    report = check_parity(networks.OneByOne, (iris.X[::10], iris.y[::10]), layers=(3,), steps=2, batch_size=4)
    assert not report.passed
    assert all("all is as Keras has it" in each.says for each in report.guilty)
    assert report.lines.not_traced == "its numbers are made one by one, and not in arrays"


@pytest.mark.parametrize("network", RIGHT, ids=lambda network: network.__name__)
def test_no_line_is_told_of_what_these_are_made_from(network):
    report = checked(network)
    assert report.verdict == "parity"
    assert report.guilty == ()
