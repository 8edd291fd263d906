(() => {
  // Fetches the page again and swaps its middle, so that nothing jumps and an opened "Vì sao?" stays open.
  // When that fails, the ages on the page are no longer true: the page says so and hides them.
  const seconds = Number(document.body.dataset.refresh);
  let touched = 0;
  addEventListener("pointerdown", () => (touched = performance.now()), true);
  async function refresh() {
    if (document.hidden || performance.now() - touched < 1500) return;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), 10000);
    try {
      const answer = await fetch("/", { signal: limit.signal });
      if (answer.redirected) return location.assign("/login");
      if (!answer.ok) throw new Error(answer.status);
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      const focused = document.activeElement && document.activeElement.id;
      for (const open of document.querySelectorAll("details[open]")) {
        const same = next.getElementById(open.id);
        if (same) same.open = true;
      }
      document.querySelector("main").replaceWith(next.querySelector("main"));
      document.body.className = next.body.className;
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    } catch {
      document.body.classList.add("off");
      document.getElementById("lost").hidden = false;
    } finally {
      clearTimeout(timer);
    }
  }
  setInterval(refresh, seconds * 1000);
  document.addEventListener("visibilitychange", refresh);
})();
