// Gradio draws the page; this names what it leaves without a name, for those who hear it, and closes what is folded away.
() => {
  const name = () => {
    for (const title of document.querySelectorAll("#chat .thought-group > .title")) {
      title.setAttribute("aria-expanded", String(title.classList.contains("expanded")));
      const arrow = title.querySelector(".arrow"); // a button within a button, and nameless: the outer one does it all
      if (arrow && !arrow.inert) arrow.inert = true;
    }
    for (const image of document.querySelectorAll("#chat .message img")) {
      const label = image.closest(".message")?.querySelector('label[data-testid="block-label"]')?.textContent.trim();
      if (!label || image.alt === label) continue;
      image.alt = label;
      image.closest("button")?.setAttribute("aria-label", label);
    }
    for (const side of document.querySelectorAll(".sidebar")) {
      const content = side.querySelector(".sidebar-content"); // what is folded away can't be reached by Tab either
      if (content) content.inert = !side.classList.contains("open");
    }
    for (const files of document.querySelectorAll("#request .thumbnails")) {
      if (files.querySelector('[role="listitem"]')) files.setAttribute("role", "list");
      else files.removeAttribute("role");
    }
    for (const said of document.querySelectorAll('#chat [data-testid="bot"][aria-label]:not([role])')) {
      said.setAttribute("role", "group");
    }
  };
  let waits = false;
  const soon = () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      name();
    });
  };
  new MutationObserver(soon).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["class"] });
}
