"""The report: a finished run's folder told as one HTML file that needs nothing else, drawn from its files alone."""

import base64
import datetime
import hashlib
import json
import os
import re
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from compare.limits import duration
from compare.recipe.protocol import Protocol
from compare.runs import whole
from compare.runs.record import REPORT, Run
from compare.runs.verdict import verdict
from compare.show.figures import style
from compare.show.figures.style import COLOURS, EDGES
from compare.show.page import article, chart, check, matched, submissions, sweep, unseeded
from compare.show.page.parts import Section

NAMES = {"n": "samples", "sha256": "SHA-256", "index_column": "index column of a CSV file"}

# Each looks at a run's tables and says its part, or None: a new kind of run adds its own here.
PROVIDERS = (check.section, submissions.section, sweep.section, matched.section, unseeded.section, article.section)


def write(run: Run, folder: Path) -> Path:
    """Write a finished run's report into a folder and return its path."""
    path = folder / REPORT
    whole.write_text(path, html(run, os.path.relpath(run.folder, folder)))
    return path


def html(run: Run, folder: str = ".") -> str:
    """Return a finished run's report: one page, all text from data and users escaped, no network.

    `folder` is where the run's own folder lies from the page.
    """
    sections = [section for provide in PROVIDERS if (section := provide(run))]
    script = _file("page.js")
    return template().render(
        run=run,
        folder=quote(folder),
        verdict=verdict(run.manifest, run.tables),
        sections=sections,
        readings=Markup(readings_as_json(sections)),
        facts=_facts(run),
        title=_title(run),
        about=_about(run),
        when=_when(run),
        tables=_tables(run),
        chart=chart,
        palette=Markup(_palette()),
        style=Markup(_file("page.css")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


@cache
def template() -> Template:
    """The page's template: to compile it takes as long as to fill it."""
    environment = Environment(
        loader=PackageLoader(__package__, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = unbroken
    return environment.get_template("page.html.j2")


def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _palette() -> str:
    light = "".join(f"--{side}:{style['color']};" for side, style in style.SIDES.items())
    dark = "".join(f"--{side}:{color};" for side, color in style.DARK.items())
    beyond = "".join(f".r{k}{{fill:{color}}}" for k, color in enumerate(COLOURS) if EDGES[k] >= 1)
    return f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}{beyond}"


def readings_as_json(sections: list[Section]) -> str:
    """The readings of all views for the script; no text in it can end the element that holds it."""
    data = {section.name: [view.reading.data() for view in section.views] for section in sections}
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _title(run: Run) -> str:
    """Name the run and its data: among many pages that are open, each is found."""
    manifest, data = run.manifest, run.manifest["data"]
    names = ", ".join(each["name"] for each in data) if isinstance(data, list) else data["name"]
    number = run.folder.name.partition("-")[0].lstrip("0")
    what = f"{manifest['kind']} {number}".strip().capitalize()
    return f"{what} of {manifest['subject']} on {names}" if "subject" in manifest else f"{what} on {names}"


def _when(run: Run) -> str:
    """Say when the run began and how long it took; older runs do not know."""
    begun, seconds = run.manifest.get("begun"), run.manifest.get("seconds")
    if begun is None:
        return ""
    took = "" if seconds is None else f", in {duration(seconds)}"
    return f"{datetime.datetime.fromisoformat(begun):%d %B %Y, %H:%M} UTC{took}"


def _about(run: Run) -> str:
    """What was compared, in a sentence."""
    manifest, data = run.manifest, run.manifest["data"]
    if isinstance(data, list):
        names = ", ".join(each["name"] for each in data)
        return f"A NumPy network written from scratch against Keras, over a grid of settings, on {names}."
    counts = "".join(f", {len(data[name])} {name}" for name in ("features", "classes") if name in data)
    what = manifest.get("subject", "A NumPy network written from scratch")
    layers = f", layers {_plain(manifest['layers'], '-')}" if "layers" in manifest else ""
    return f"{what} against Keras, on {data['name']}: {data['n']} samples{counts}{layers}."


def _tables(run: Run) -> list[str]:
    """The files of numbers, Parquet first: what is in the folder whenever the report is drawn."""
    names = [name for name in run.manifest["files"] if name.endswith((".parquet", ".csv"))]
    return sorted(names, key=lambda name: (name.endswith(".csv"), name))


def _facts(run: Run) -> dict[str, dict[str, str]]:
    """What a reader needs to judge and to repeat the run, by topic; what the manifest does not have is left out."""
    manifest = run.manifest
    code = manifest["code"]
    commit = f", commit {code['commit'][:12]}{', changed since' if code['dirty'] else ''}" if code["commit"] else ""
    protocols = manifest.get("protocols", {}).values()
    named = {f"{of['name']} protocol": Protocol(**of) for of in protocols}
    facts = {
        "Configuration": {
            **{name: value for name, value in manifest.get("config", {}).items() if value is not None},
            **({"layers": _plain(manifest["layers"], "-")} if "layers" in manifest else {}),
            **named,
            **({"Keras trained by": manifest["keras_training"]} if "keras_training" in manifest else {}),
        },
        "Data": manifest["data"] if isinstance(manifest["data"], dict) else _several(manifest["data"]),
        "Seeds": manifest.get("seeds", {}),
        "Versions": {"keras-parity": f"{code['version']}{commit}", **manifest["env"]},
    }
    return {
        topic: {NAMES.get(name, name): _plain(of) for name, of in entries.items() if of not in ([], "")}
        for topic, entries in facts.items()
        if entries
    }


def _several(data: list[dict[str, Any]]) -> dict[str, str]:
    return {each["name"]: f"{each['n']} samples, SHA-256 {each['sha256']}" for each in data}


def unbroken(text: str) -> str:
    """Keep 1e-13 on one line: a word joiner after its sign."""
    return re.sub(r"(\de-)(\d)", "\\1\u2060\\2", text)


def _plain(value: Any, between: str = ", ") -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return between.join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
