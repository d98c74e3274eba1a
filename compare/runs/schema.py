"""What a manifest and a plan must hold to be read: every key that anything reads, declared once, and held to it."""

import reprlib
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, convert

from compare.errors import InputError

Name = Annotated[str, Meta(max_length=1000)]
Words = Annotated[str, Meta(max_length=20_000)]
Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Dtype = Literal["float32", "float64"]
Drawer = Literal["scratch", "keras"]
Side = Literal["scratch", "keras"]
Conclusion = Literal["different", "inconclusive", "equivalent in mean", "equivalent"]
PairVerdict = Literal["parity", "parity in part", "no parity", "undecidable"]


class Code(Struct):
    """Which code ran."""

    version: Name
    commit: Name | None
    dirty: bool | None


class Data(Struct):
    """A data set."""

    name: Name
    n: Positive
    sha256: Name
    features: list[Name] = []
    classes: list[Name] = []


class Ran(Struct, kw_only=True):
    """What the manifest of every run holds."""

    schema_version: int
    status: Literal["complete"]
    kind: Name
    command: Words
    files: dict[Name, Name]
    begun: datetime | UnsetType = UNSET
    seconds: Annotated[float, Meta(ge=0)] | UnsetType = UNSET


class Recorded(Ran, kw_only=True):
    """The same of a run with numbers of its own."""

    code: Code
    env: dict[Name, Name | int | None]
    missing: Count = 0
    config: dict[Name, Any] = {}


class MatchedVerdict(Struct):
    """The verdict of matched pairs."""

    passed: bool
    undecidable: Count
    decided: float
    out: Count | UnsetType = UNSET
    in_part_words: Words | UnsetType = UNSET


class ArticleVerdict(Struct):
    """The verdict of the article's part."""

    passed: bool
    first_wrong_step: Count | None


class Verdicts(Struct):
    """The verdicts of a run's parts."""

    passed: bool
    matched: MatchedVerdict | UnsetType = UNSET
    article: ArticleVerdict | UnsetType = UNSET
    unseeded: dict[Name, Conclusion] = {}


class Trained(Struct):
    """A protocol."""

    name: Name
    epochs: Positive
    batch_size: Positive | None


class Seeds(Struct):
    """Where randomness came from."""

    matched_pairs: list[int] = []


class Tolerances(Struct):
    """What was tolerated."""

    bar: dict[Dtype, float]
    floor_factor: float
    probe: float


class Speed(Struct):
    """How long a step took."""

    protocol: Name
    dtype: Dtype
    side: Side
    microseconds: Annotated[float, Meta(gt=0)]


class Main(Recorded, kw_only=True):
    """The manifest of `run`."""

    kind: Literal["run"]
    data: Data
    verdicts: Verdicts
    protocols: dict[Name, Trained] = {}
    settings: dict[Name, dict[Side, tuple[Name, Name]]] = {}
    layers: list[Positive] = []
    seeds: Seeds = msgspec.field(default_factory=Seeds)
    tolerances: Tolerances | UnsetType = UNSET
    keras_training: Name = ""
    speed: list[Speed] = []


class SweepVerdicts(Struct):
    """The verdict of a sweep, or of a class."""

    state: Literal["yes", "no", "open"]
    words: Words


class SweepRun(Recorded, kw_only=True):
    """The manifest of `sweep`."""

    kind: Literal["sweep"]
    data: Annotated[list[Data], Meta(min_length=1)]
    verdicts: SweepVerdicts


class Divergence(Struct):
    """Where a network departs from Keras."""

    situation: Words
    step: Count
    phase: Words
    layer: Count | None
    tensor: Words
    error: Words | None
    value: float | None
    expected: float | None


class GuiltyLine(Struct):
    """A line that makes a wrong number."""

    file: Words
    first: Count
    source: Words
    says: Words
    function: Words = ""


class Cause(Struct):
    """A known bug."""

    name: Words
    words: Words
    change: Words


class Explanation(Struct):
    """Causes that explain together."""

    causes: list[Cause]
    confirmed_steps: Count
    situations: Count


class Warned(Struct):
    """What goes wrong in an extreme situation."""

    situation: Words
    words: Words
    cause: Words | None
    change: Words | None


class OwnTraining(Struct):
    """A network's own training loop."""

    name: Words
    wrong_weights: bool
    wrong_history: bool
    controlled: bool
    history: list[float | None] | None
    keras: list[float | None] | None
    error: Words | None


class Prediction(Struct):
    """A prediction that is not Keras's."""

    method: Words
    situation: Words


class Predictions(Struct):
    """A network's predictions in inference."""

    wrong: list[Prediction] = []


class CheckReport(Struct):
    """What a check found."""

    verdict: Words
    passed: bool
    headline: Words
    bit_equal: bool
    largest_ratio: float | None
    refusal: Words | None
    strict: bool
    driven: Words
    notes: list[Words]
    warnings: list[Warned]
    guilty: list[GuiltyLine]
    warned: list[GuiltyLine]
    divergence: Divergence | None
    diagnosis: list[Explanation]
    trainings: list[OwnTraining]
    kind: Words | None = None
    not_driven: dict[Words, Words] = {}
    extreme: list[Words] = []
    raised: dict[Words, Words] = {}
    reported_wrongly: dict[Words, list[Words]] = {}
    predictions: Predictions = msgspec.field(default_factory=Predictions)
    inferred: Words = ""
    adapter: Words = ""


class CheckVerdicts(Struct):
    """The verdict of a check."""

    passed: bool


class CheckRun(Recorded, kw_only=True):
    """The manifest of `check`."""

    kind: Literal["check"]
    data: Data
    subject: Words
    report: CheckReport
    verdicts: CheckVerdicts
    sources: dict[Words, str] = {}


class ClassRun(Recorded, kw_only=True):
    """The manifest of a `check` of several networks."""

    kind: Literal["class"]
    data: Data
    subject: Words
    verdicts: SweepVerdicts


class Drawn(Ran, kw_only=True):
    """The manifest of `report`: pictures of another run."""

    kind: Literal["report"]
    run: dict[str, Any]


class Plan(Struct):
    """The plan of an interrupted run."""

    schema_version: int
    kind: Name
    config: dict[Name, Any]
    data: dict[Name, Name]


KINDS: dict[str, type[Ran]] = {"run": Main, "sweep": SweepRun, "check": CheckRun, "class": ClassRun, "report": Drawn}


def manifest(values: Any) -> Ran:
    """Hold a manifest to what its kind declares, and return it so.

    Raises
    ------
    InputError
        If a key is missing or holds something else: it says which, what was expected and what came.
    """
    kind = values.get("kind") if isinstance(values, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(f"kind must be one of {', '.join(KINDS)}. Received: {reprlib.repr(kind)}")
    found: Ran = held(values, KINDS[kind])
    if isinstance(found, Drawn) and isinstance(manifest(found.run), Drawn):
        raise InputError("what was drawn must be a run with numbers. Received: a report")
    return found


def held(values: Any, kind: type[Any]) -> Any:
    """Return values as what they are declared to be.

    Raises
    ------
    InputError
        If they are something else: it says where, what was expected and what came.
    """
    try:
        return convert(values, kind)
    except msgspec.ValidationError as error:
        raise InputError(str(error)) from None
    except UnicodeEncodeError:
        raise InputError("Expected text, got half a character") from None
