"""The report: a finished run's folder told as one HTML file that needs nothing else, drawn from its files alone."""

import base64
import hashlib
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from compare import findings, plots
from compare.record import Run
from compare.report import article, chart, matched, unseeded
from compare.report.parts import Section
from compare.summary import REPORT

# Each looks at a run's tables and says its part, or None: a new kind of run adds its own here.
PROVIDERS = (matched.section, unseeded.section, article.section)


def write(run: Run, folder: Path) -> Path:
    """Write a finished run's report into a folder and return its path."""
    path = folder / REPORT
    path.write_text(html(run), encoding="utf-8")
    return path


def html(run: Run) -> str:
    """Return a finished run's report: one page, all text from data and users escaped, no network."""
    sections = [section for provide in PROVIDERS if (section := provide(run))]
    script = _file("report.js")
    environment = Environment(
        loader=PackageLoader("compare", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = _unbroken
    return environment.get_template("report.html.j2").render(
        run=run,
        verdict=findings.verdict(run),
        sections=sections,
        readings=Markup(_json(sections)),
        facts=_facts(run),
        chart=chart,
        palette=Markup(_palette()),
        style=Markup(_file("report.css")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _file(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


def _palette() -> str:
    light = "".join(f"--{side}:{style['color']};" for side, style in plots.SIDES.items())
    dark = "".join(f"--{side}:{color};" for side, color in plots.DARK.items())
    return f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"


def _json(sections: list[Section]) -> str:
    """The readings of all views for the script; no text in it can end the element that holds it."""
    data = {section.name: [view.reading.data() for view in section.views] for section in sections}
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _facts(run: Run) -> dict[str, dict[str, Any]]:
    """What a reader needs to judge and to repeat the run, by topic."""
    manifest = run.manifest
    data, code = manifest["data"], manifest["code"]
    commit = f", commit {code['commit'][:12]}{', changed since' if code['dirty'] else ''}" if code["commit"] else ""
    return {
        "Configuration": {
            "layers": "-".join(map(str, manifest["layers"])),
            **{
                name: _plain(value)
                for name, value in manifest["config"].items()
                if value is not None and name != "layers"
            },
            **{
                f"{name} protocol": f"{of['epochs']} epochs, "
                + ("full batch" if of["batch_size"] is None else f"batches of {of['batch_size']}")
                for name, of in manifest["protocols"].items()
            },
            "Keras trained by": manifest["keras_training"],
        },
        "Data": {
            "name": data["name"],
            "samples": data["n"],
            "features": ", ".join(data["features"]),
            "classes": ", ".join(data["classes"]),
            "SHA-256": data["sha256"],
        },
        "Seeds": {name: _plain(value) for name, value in manifest["seeds"].items()},
        "Versions": {
            "keras-parity": f"{code['version']}{commit}",
            **manifest["env"],
        },
    }


def _unbroken(text: str) -> str:
    """Keep 1e-13 on one line: a word joiner after its sign."""
    return re.sub(r"(\de-)(\d)", "\\1\u2060\\2", text)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
