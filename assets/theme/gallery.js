// Page behaviour that Gradio has no event for: keys, the light/dark switch, the address of the open tab.
(() => {
  const shown = (selector) => [...document.querySelectorAll(selector)].find((element) => element.offsetParent !== null);

  const stored = localStorage.getItem("gallery-mode");
  const showMode = (mode) => document.body.classList.toggle("dark", mode === "dark");
  const currentMode = () => (document.body.classList.contains("dark") ? "dark" : "light");

  // Gradio sets its own mode when it draws the page; what the visitor chose earlier comes after that.
  const chosenEarlier = new MutationObserver(() => {
    if (!document.querySelector("#mode-switch")) return;
    chosenEarlier.disconnect();
    if (stored && !new URLSearchParams(location.search).has("__theme")) showMode(stored);
  });
  chosenEarlier.observe(document, { subtree: true, childList: true });

  document.addEventListener("click", (event) => {
    if (event.target.closest("#mode-switch")) {
      const mode = currentMode() === "dark" ? "light" : "dark";
      showMode(mode);
      localStorage.setItem("gallery-mode", mode);
    }
    const tab = event.target.closest("#applications > .tab-wrapper [role=tab]");
    if (tab) {
      const address = new URL(location.href);
      address.searchParams.set("demo", tab.id.replace(/^tab-/, "").replace(/-button$/, ""));
      history.replaceState(null, "", address);
    }
  });

  // Gradio counts a visitor's place in the queue as "queue: 2/5 | 3.1/12.0s"; this says it in words.
  const wordsForQueue = (text) => {
    const [, place] = text.match(/queue: (\d+)/) ?? [];
    if (!place) return "";
    const [, waited, total] = text.match(/([\d.]+)\/([\d.]+)s/) ?? [];
    const left = total ? Math.round(total - waited) : 0;
    return `waiting: ${place} before you` + (left > 0 ? `, about ${left} s` : "");
  };
  new MutationObserver(() => {
    for (const block of document.querySelectorAll(".status-line.block")) {
      const words = wordsForQueue(block.querySelector(".progress-text")?.textContent ?? "");
      if ((block.dataset.words ?? "") !== words) block.dataset.words = words;
    }
    // Gradio leaves example pictures without a name for those who cannot see them.
    for (const picture of document.querySelectorAll('.examples img[alt=""]')) {
      picture.alt = "Example: " + picture.src.split("/").pop().replace(/\.\w+$/, "");
    }
  }).observe(document, { subtree: true, childList: true, characterData: true });

  // On a phone the applications are one row to scroll: the open one stays in sight.
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      const selected = target.getAttribute("aria-selected") === "true";
      if (selected && target.closest("#applications > .tab-wrapper")) {
        target.scrollIntoView({ inline: "center", block: "nearest" });
      }
    }
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ["aria-selected"] });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const run = shown(".run-button");
      if (run && getComputedStyle(run).pointerEvents !== "none") run.click();
      event.preventDefault();
    }
    if (event.key === "Escape") shown(".stop-button:not([disabled])")?.click();
    const tab = event.target.closest?.("[role=tab]");
    if (tab && (event.key === "ArrowRight" || event.key === "ArrowLeft")) {
      const tabs = [...tab.closest("[role=tablist]").querySelectorAll("[role=tab]")];
      const step = event.key === "ArrowRight" ? 1 : -1;
      const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
      next.click();
      requestAnimationFrame(() => next.focus()); // once Gradio has drawn the newly selected tab
    }
  });
})();
