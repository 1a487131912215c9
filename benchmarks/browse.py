"""How a written report behaves in a browser: sizes, opening, filtering, unfolding.

    .venv/bin/python benchmarks/browse.py REPORT/

`benchmarks/report.py` calls it for its large report. It needs Chromium and Playwright (of the development
tools), and says so where they are not there. Times are of the page's own clock, layout included.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

# a change of a filter, up to the layout of the new list
FILTER = """([name, value]) => {
  const form = document.getElementById('filters');
  if (!form.elements[name]) return null;
  const began = performance.now();
  form.elements[name].value = value;
  form.dispatchEvent(new Event('input'));
  document.body.offsetHeight;
  return performance.now() - began;
}"""
UNFOLD = """() => {
  const began = performance.now();
  for (const one of document.querySelectorAll('details.model')) if (!one.open) one.firstChild.click();
  document.body.offsetHeight;
  return performance.now() - began;
}"""
OPENED = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
STEPS = (("language", "zh"), ("model", "1"), ("outcome", "w"), ("question", "1"), ("text", "en-0"), ("model", ""))


def browse(report: Path) -> None:
    """Print what the case list and the largest case page of a report take."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = None
    if chromium is None or sync_playwright is None:
        print("  the case browser is not measured: it needs Chromium and the development tools")
        return
    pages = sorted((report / "cases").glob("*.html"), key=lambda page: page.stat().st_size)
    sizes = [page.stat().st_size / 1024 for page in pages]
    print(f"  case pages: {sizes[len(sizes) // 2]:,.0f} KiB each (median), {sizes[-1]:,.0f} KiB the largest; "
          f"case list: {(report / 'cases.html').stat().st_size / 1024:,.0f} KiB")  # fmt: skip
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto((report / "cases.html").resolve().as_uri())
        print(f"  {page.evaluate(OPENED):7.0f} ms  case list opened")
        for name, value in STEPS:
            took = page.evaluate(FILTER, [name, value])
            if took is not None:
                print(f"  {took:7.0f} ms  filter: {name} = {value or 'any'}")
        page.goto(pages[-1].resolve().as_uri())
        print(f"  {page.evaluate(OPENED):7.0f} ms  largest case page opened")
        print(f"  {page.evaluate(UNFOLD):7.0f} ms  all models unfolded")
        browser.close()


if __name__ == "__main__":
    browse(Path(sys.argv[1]))
