"""A headless Chromium from the system, and a report to open in it."""

import os
import shutil

import pytest

from compare.show.page import page as report
from tests.compare.runs.made_run import made_check, made_run, made_sweep

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def browser():
    """The browser; without one these tests are skipped, but never where CI is set."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None and not os.environ.get("CI"):
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    assert path, "CI needs a browser: apt-get install chromium"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    return made_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def path(run, tmp_path_factory):
    return report.write(run, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="session")
def check_path(tmp_path_factory):
    return report.write(made_check(tmp_path_factory.mktemp("checks")), tmp_path_factory.mktemp("check_report"))


@pytest.fixture(scope="session")
def sweep_path(tmp_path_factory):
    return report.write(made_sweep(tmp_path_factory.mktemp("sweeps")), tmp_path_factory.mktemp("sweep_report"))


@pytest.fixture
def open_page(browser):
    """Open a file in a context of its own; whatever the console says, and any request or dialog, is a failure."""
    contexts, faults, requests, opened = [], [], [], set()

    def dismiss(dialog):
        faults.append(dialog.message)
        dialog.dismiss()

    def open_(path, **settings):
        context = browser.new_context(viewport={"width": 1280, "height": 900}, **settings)
        context.set_default_timeout(5000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", dismiss)
        page.on("request", lambda request: requests.append(request.url))
        opened.add(path.as_uri())
        page.goto(path.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert faults == []
    assert set(requests) == opened


@pytest.fixture
def page(open_page, path):
    return open_page(path)
