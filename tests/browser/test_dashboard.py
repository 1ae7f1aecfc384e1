"""What only a browser shows: clicks in tables, the timer, hostile text, accessibility, keyboard."""

import shutil
import subprocess
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from embedded.engine.procedures import call
from embedded.session import open_database
from tests.app_pipeline import fill
from tests.browser.driver import PAGES, browser, chromium, serving, settle

if chromium() is None and shutil.which("apt-get"):
    subprocess.run(
        ["apt-get", "install", "-y", "-qq", "chromium"], capture_output=True, check=False
    )
pytestmark = pytest.mark.skipif(
    chromium() is None, reason="no Chromium on this machine: install one (apt-get install chromium)"
)
# All rules in light; dark only changes colours.
SCHEMES = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}
# A machine that is busy with other things takes its time.
PATIENCE_MILLISECONDS = 60_000
RELOADS = 30


@pytest.fixture(scope="module")
def pipeline(empty_pipelines, tmp_path_factory):
    path = empty_pipelines.copy("all", tmp_path_factory.mktemp("browser") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_HOME", str(path))
        fill(open_database(), 40)
        open_database().close()
        yield path


@pytest.fixture(scope="module")
def address(pipeline):
    with serving(pipeline) as where:
        yield where


@pytest.fixture(scope="module")
def chrome():
    with browser() as one:
        yield one


@pytest.fixture
def page(chrome):
    one = chrome.new_page(viewport={"width": 1440, "height": 1100})
    one.dialogs, one.outside, one.broken = [], [], []
    one.on("pageerror", lambda error: one.broken.append(str(error)))
    one.on("console", lambda said: one.broken.append(said.text) if _is_error(said) else None)
    one.on("dialog", lambda dialog: (one.dialogs.append(dialog.message), dialog.dismiss()))
    one.on("request", lambda asked: one.outside.append(asked.url))
    yield one
    one.close()


def _is_error(said):
    """Tell errors from what Streamlit looks for beneath the address of a page, to learn its own."""
    return said.type == "error" and "/_stcore/" not in said.location.get("url", "")


@contextmanager
def database():
    """The file for a moment; it is the dashboard's again at once."""
    yield open_database()
    open_database().close()


def states():
    with database() as asked:
        return dict(asked.rows("select customer_id, state from alert_states"))


def test_a_page_that_cannot_be_read_yet_shows_itself_as_soon_as_it_can(page, address):
    with open_database().session():
        page.goto(f"{address}/action_queue")
        page.get_by_text("cannot be read at the moment").wait_for(timeout=PATIENCE_MILLISECONDS)
    open_database().close()
    page.get_by_role("heading", name="Action queue").wait_for(timeout=PATIENCE_MILLISECONDS)
    page.get_by_text("cannot be read at the moment").wait_for(
        state="detached", timeout=PATIENCE_MILLISECONDS
    )
    settle(page)
    assert page.get_by_test_id("stDataFrame").count()


def test_from_the_queue_to_the_customer_edit_approve_queued(page, address, pipeline):
    page.goto(f"{address}/action_queue")
    settle(page)
    table = page.get_by_test_id("stDataFrame").first
    box = table.bounding_box()
    page.mouse.click(box["x"] + 70, box["y"] + 35 + 35 + 17)  # the button of the second row
    page.wait_for_url("**/customer**", timeout=PATIENCE_MILLISECONDS)
    settle(page)
    assert "customer_id=c0010" in page.url
    page.get_by_text("Edit the draft").click()
    page.get_by_label("Subject").fill("A word from us")
    page.get_by_label("Text", exact=True).fill(
        "Dear customer,\n\nfor you: 10 percent off your next order.\n\nKind regards"
    )
    page.get_by_role("button", name="Save as a new revision").click()
    page.get_by_text("The draft was changed.").wait_for(timeout=PATIENCE_MILLISECONDS)
    # Until the page is whole again, the button still belongs to the old draft.
    settle(page)
    page.get_by_role("button", name="Approve", exact=True).press("Enter")
    page.get_by_text("Approved 1.").wait_for(timeout=PATIENCE_MILLISECONDS)
    assert states()["c0010"] == "APPROVED"
    with database() as asked:
        call(asked, "queue_messages", {})
    assert states()["c0010"] == "QUEUED"
    # What another process wrote is seen after the seconds for which the page keeps its answers.
    for _ in range(RELOADS):
        page.reload()
        settle(page)
        if page.get_by_text("Queued since").count():
            break
    assert page.get_by_text("Queued since").count() == 1


def test_the_timer_refreshes_the_tiles_and_nothing_else(page, address, pipeline):
    frames = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda one: frames.append(one)))
    page.goto(address)
    settle(page)
    heavy = b"How risk is spread"  # a heading far below the tiles
    assert any(heavy in frame for frame in frames)
    frames.clear()
    looked_at = page.get_by_text("Looked at").inner_text()
    with database() as asked:
        asked.rows("update churn_scores set value_at_risk = 7000 where customer_id = 'c0000'")
        [(value,)] = asked.rows("select value_at_risk from manager_overview")
    page.get_by_text(f"{value:,.0f}", exact=True).wait_for(timeout=PATIENCE_MILLISECONDS)
    # It is written last, and to the second.
    expect(page.get_by_text("Looked at")).not_to_have_text(looked_at, timeout=PATIENCE_MILLISECONDS)
    assert frames
    assert not any(heavy in frame for frame in frames)


def test_the_keyboard_reaches_every_action(page, address):
    page.goto(f"{address}/action_queue")
    settle(page)
    _tab_to(page, "data-grid-canvas")
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "Shift+Space"):  # selects the third row
        page.keyboard.press(key)
    page.get_by_text("1 selected").wait_for(timeout=PATIENCE_MILLISECONDS)
    settle(page)
    passed = _tab_to(page, "Open the customer", "Shift+Tab")
    assert {"Export CSV", "Refresh"} <= set(passed)
    page.keyboard.press("Enter")
    page.wait_for_url("**/customer**", timeout=PATIENCE_MILLISECONDS)
    settle(page)
    passed = _tab_to(page, "Assign …")
    assert {"Edit the draft", "Approve", "Reject …", "Suppress …"} <= set(passed), page.url


def _tab_to(page, wanted, key="Tab"):
    """Press Tab until something is focused; return what was focused on the way."""
    passed = []
    while wanted not in passed and len(passed) < 60:
        page.keyboard.press(key)
        passed.append(
            page.evaluate(
                """() => {
                    const one = document.activeElement;
                    const isIcon = (line) => /^[a-z_]*$/.test(line);  // its name stands for it
                    const word = (one.innerText || '').split('\\n').find(line => !isIcon(line));
                    return one.getAttribute('aria-label') || word || one.dataset.testid || '';
                }"""
            )
        )
    assert wanted in passed, passed
    return passed


def test_every_page_is_accessible_and_shows_hostile_text_as_text(page, address):
    axe, found = Axe(), {}
    for name, path in PAGES.items():
        # The one with the nasty name.
        page.goto(f"{address}/{path}" + ("?customer_id=c0000" if name == "customer" else ""))
        settle(page)
        assert page.locator("img[src='x']").count() == 0, name
        assert page.locator("a[href='http://x']").count() == 0, name
        for scheme, rules in SCHEMES.items():
            page.emulate_media(color_scheme=scheme)
            for finding in axe.run(page, options=rules).response["violations"]:
                if finding["impact"] in ("serious", "critical"):
                    found |= {
                        (name, scheme, finding["id"], at): node["failureSummary"]
                        for node in finding["nodes"]
                        if (at := node["target"][0]) and not _is_streamlits_own(page, finding, at)
                    }
    assert found == {}
    assert page.dialogs == []
    assert page.broken == []  # a picture that cannot be drawn says so here only
    assert [url for url in page.outside if "127.0.0.1" not in url and url.startswith("http")] == []


def _is_streamlits_own(page, finding, at):
    """Streamlit puts the headings of its list of pages between the list and its items."""
    return finding["id"] in ("list", "listitem") and page.locator(at).first.evaluate(
        "one => one.closest('[data-testid=stSidebarNavItems]') !== null"
    )
