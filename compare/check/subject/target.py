"""What a file's own process drives: what the file calls by a name, or the one thing in it that can be driven."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from compare.check.subject.description import Description, describe_subject
from compare.check.subject.exceptions import Interrupted, describe
from compare.check.subject.factories import WrongDepth
from compare.check.subject.forks import WatchForks
from compare.check.subject.inference.finding import CERTAIN, Found, find, find_only
from compare.check.subject.inference.inference import evaluated
from compare.check.subject.loading import load_file, named
from compare.check.subject.performing import contained
from compare.check.subject.refusal import Refusal
from compare.recipe.recipe import Recipe


@dataclass
class Target:
    """A file that was run, what is driven of it, by its name or "", and the subject, once it is known.

    `known`: its adapter was found out before, for layers that may have been others.
    """

    module: ModuleType
    name: str = ""
    subject: Any = None
    known: bool = False

    def describe(self, recipe: Recipe) -> Description:
        """Find out how it is driven, and what it says about itself."""
        if self.known:
            said = describe_subject(self.subject, recipe)
            if "error" not in said and said.get("fits", True):
                return said
        try:
            with contained(), WatchForks():
                found = self._found(recipe)
        except Interrupted:
            raise
        except WrongDepth as error:
            return {"error": describe(error), "fits": False, "made": False}
        except Refusal as error:  # it may be another with layers of another number
            return {"error": describe(error), "fits": False}
        except BaseException:
            found = Found(self.name, getattr(self.module, self.name, None))  # what it raises is told when it is made
        self.subject, self.known = found.subject, False
        told: Description = {"adapter": found.adapter, "certain": found.sure <= CERTAIN} if found.adapter else {}
        if found.activations:
            told["activations"] = found.activations
        if not self.name:
            told["name"] = found.name
        return describe_subject(found.subject, recipe) | told

    def _found(self, recipe: Recipe) -> Found:
        defined, file = vars(self.module), Path(self.module.__file__ or "").name
        if self.name:
            return find(self.name, defined, recipe)
        return find_only(defined, file, self.module.__name__, recipe)


def loaded_target(path: Path, name: str, definitions_only: bool, adapter: str) -> Target:
    """Run a file, and find in it what is to be driven; with an `adapter`, what that makes.

    Raises
    ------
    Refusal
        If the file calls nothing so.
    """
    module = load_file(path, name, definitions_only)
    if adapter:
        return Target(module, name, evaluated(adapter, vars(module)), known=True)
    return Target(module, name, named(module, path, name, definitions_only) if name else None)
