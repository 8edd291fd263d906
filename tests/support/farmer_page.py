"""What tests of the farmer's pages do on each of them: log in, leave a picture, measure what can be read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.support.seeded import NAME, PASSWORD

ARTEFACTS = Path(os.environ.get("HOIQUAN_ARTEFACTS") or Path(__file__).parents[2] / "artefacts")


def log_in(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Tên").fill(NAME)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="VÀO").click()
    expect(page.locator("h1")).to_have_text("Hội quán Tân Thuận")


def picture(page: Page, name: str, *, whole: bool = False) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=whole)


# what is wrong with the elements that one sees: too small, too little contrast, or beyond the edge
MEASURE = """() => {
  const light = c => { const v = c / 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const colour = text => text.match(/[\\d.]+/g).map(Number);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const found = colour(getComputedStyle(e).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const seen = e => e.checkVisibility() && e.getClientRects().length > 0;
  const targets = [...document.querySelectorAll("a, button, summary, label, input:not([type=hidden]):not(.pick)")]
    .filter(e => seen(e) && !(e.tagName === "LABEL" && e.control && !e.control.classList.contains("pick")))
    .map(e => ({ what: e.outerHTML.slice(0, 80), ...e.getBoundingClientRect().toJSON(),
                 fixed: !!e.closest(".stopbar") }));
  const texts = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode()); ) {
    const e = node.parentElement;
    if (!node.textContent.trim() || !seen(e) || e.matches("script, style, title, desc")) continue;
    const style = getComputedStyle(e), svg = e.ownerSVGElement;
    const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    const [a, b] = [luminance(colour(svg ? style.fill : style.color)), luminance(ground(e))];
    texts.push({ what: node.textContent.trim().slice(0, 60), px: parseFloat(style.fontSize) * scale,
                 contrast: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), state: !!e.closest(".state") });
  }
  return { targets, texts, scroll: document.documentElement.scrollWidth, width: innerWidth };
}"""


def check_sizes(page: Page) -> None:
    page.evaluate("for (const e of document.querySelectorAll('details')) e.open = true")
    found: Any = page.evaluate(MEASURE)
    assert len(found["texts"]) >= 3 and len(found["targets"]) >= 1
    assert [t for t in found["targets"] if t["width"] < 56 or t["height"] < 56] == []
    assert [t for t in found["texts"] if t["px"] < 19.99] == []
    assert [t for t in found["texts"] if t["state"] and t["px"] < 31.99] == []
    assert [t for t in found["texts"] if t["contrast"] < 7] == []
    assert found["scroll"] <= found["width"]
    targets = [t for t in found["targets"] if not t["fixed"]]
    assert [(a["what"], b["what"]) for a in targets for b in targets if a is not b and _closer_than(a, b, 8)] == []


def _closer_than(one: Any, two: Any, gap: float) -> bool:
    """Whether a thumb could hit both: nearer than ``gap`` in both directions."""
    apart_x = max(one["left"] - two["right"], two["left"] - one["right"])
    apart_y = max(one["top"] - two["bottom"], two["top"] - one["bottom"])
    return bool(apart_x < gap - 0.5 and apart_y < gap - 0.5)
