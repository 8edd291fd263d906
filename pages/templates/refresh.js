(() => {
  // Fetches the page again and swaps its middle, so that nothing jumps and an opened "Vì sao?" stays open.
  // When that fails, the ages on the page are no longer true: the page says so and hides them.
  // The page itself says how soon the next one is wanted: at once while an answer is awaited.
  let touched = 0, asking = false, timer;
  addEventListener("pointerdown", () => (touched = performance.now()), true);
  async function refresh() {
    clearTimeout(timer);
    if (document.hidden || asking) return;
    if (performance.now() - touched < 1500) return next();
    const limit = new AbortController();
    const late = setTimeout(() => limit.abort(), 10000);
    asking = true;
    try {
      const answer = await fetch("/", { signal: limit.signal });
      if (answer.redirected) return location.assign("/login");
      if (!answer.ok) throw new Error(answer.status);
      const found = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (performance.now() - touched < 600) return;  // a thumb is on what would be swapped
      const focused = document.activeElement && document.activeElement.id;
      for (const open of document.querySelectorAll("details[open]")) {
        const same = found.getElementById(open.id);
        if (same) same.open = true;
      }
      document.querySelector("main").replaceWith(found.querySelector("main"));
      document.body.className = found.body.className;
      document.body.dataset.refresh = found.body.dataset.refresh;
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    } catch {
      document.body.classList.add("off");
      document.getElementById("lost").hidden = false;
    } finally {
      clearTimeout(late);
      asking = false;
      next();
    }
  }
  function next() {
    timer = setTimeout(refresh, document.body.dataset.refresh * 1000);
  }
  next();
  document.addEventListener("visibilitychange", refresh);
})();
