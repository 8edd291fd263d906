"""A real Chromium for tests, in the size of a farmer's phone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, expect, sync_playwright

from kit import toolchain

PHONE = {"width": 360, "height": 640}
SMALLEST = {"width": 320, "height": 640}
WAIT_MS = 10_000
_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; it is closed at the end whatever happens."""
    program = toolchain.chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program), args=_FLAGS)
        try:
            expect.set_options(timeout=WAIT_MS)
            yield browser
        finally:
            browser.close()


@contextmanager
def phone(browser: Browser, base_url: str, *, size: dict[str, int] = PHONE, language: str = "vi-VN") -> Iterator[Page]:
    """A page of a fresh phone: no cookies, and every dialog or script error is a failure."""
    context = browser.new_context(base_url=base_url, viewport=size, locale=language)  # type: ignore[arg-type]
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    surprises: list[str] = []

    def on_dialog(dialog: Dialog) -> None:
        surprises.append(f"dialog {dialog.message!r}")
        dialog.dismiss()

    def on_console(line: ConsoleMessage) -> None:
        # An answer of 4xx, which tests ask for, is on the console too; a refused script or style is a fault.
        if line.type == "error" and not line.text.startswith("Failed to load resource"):
            surprises.append(line.text)

    page.on("dialog", on_dialog)
    page.on("console", on_console)
    page.on("pageerror", lambda error: surprises.append(f"script error {error}"))
    try:
        yield page
        assert surprises == []
    finally:
        context.close()
