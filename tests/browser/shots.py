"""make shots: every page at two widths, light and dark, into target/shots/."""

import os
import sys
from pathlib import Path

from embedded.engine.storage import database_file
from embedded.session import connect
from tests.browser.driver import PAGES, browser, chromium, serving, settle
from tests.browser.showcase import build, freshen
from tests.dbt import PROJECT

WIDTHS, HEIGHT = (1440, 820), 1000
SCHEMES = ("light", "dark")
FOLDER = PROJECT / "target" / "shots"


def shoot(pipeline: Path, names: list[str], widths=WIDTHS, schemes=SCHEMES) -> None:
    """Write one PNG for each page, width and scheme."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    customer = f"?customer_id={_with_history()}"
    with serving(pipeline) as address, browser() as chrome:
        for scheme in schemes:
            for width in widths:
                page = chrome.new_page(
                    viewport={"width": width, "height": HEIGHT}, color_scheme=scheme
                )
                for name in names:
                    page.set_viewport_size({"width": width, "height": HEIGHT})
                    page.goto(f"{address}/{PAGES[name]}{customer if name == 'customer' else ''}")
                    settle(page)
                    _grow(page, width)
                    file = FOLDER / f"{name}-{width}-{scheme}.png"
                    page.screenshot(path=file)
                    print(file.relative_to(PROJECT))
                page.close()


def _with_history() -> str:
    """Return a customer whose draft waits, the one with the most that was done before."""
    with connect() as pipeline:
        [(customer_id,)] = pipeline.execute("""
            select customer_id
            from manager_alert_history
            group by customer_id
            order by max_by(to_state, occurred_at) = 'DRAFTED' desc, count(*) desc, customer_id
            limit 1
        """).fetchall()
    return customer_id


def _grow(page, width: int) -> None:
    """Make the window as high as the page, which scrolls within itself."""
    height = page.evaluate(
        """() => Math.max(...[...document.querySelectorAll('[data-testid="stMain"]')]
            .map(one => one.scrollHeight), 600)"""
    )
    page.set_viewport_size({"width": width, "height": min(height, 4000)})
    page.wait_for_timeout(500)


def main() -> None:
    """Make a pipeline to look at unless there is one, then look at the named pages, or at all."""
    if chromium() is None:
        sys.exit("no Chromium on this machine: install one (apt-get install chromium)")
    pipeline = Path(os.environ["CHURN_HOME"])
    if not database_file(pipeline).exists():
        print(f"building a pipeline to look at in {pipeline}: two minutes")
        build(pipeline)
    freshen()
    shoot(pipeline, sys.argv[1:] or list(PAGES))


if __name__ == "__main__":
    main()
