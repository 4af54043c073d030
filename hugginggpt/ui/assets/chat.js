// Gradio draws the page; this names what it leaves without a name, for those who hear it, and closes what is folded away.
// Its copy buttons copy what it was sent, which is HTML: this makes it text again, in Markdown's shape.
() => {
  const join = (node) => [...node.childNodes].map(write).join("");
  const indent = (text, first, rest) => first + text.trim().replaceAll("\n", "\n" + rest);
  const items = (list) =>
    [...list.children].map((item, n) => {
      const mark = list.tagName === "OL" ? `${list.start + n}. ` : "- ";
      return indent(join(item), mark, " ".repeat(mark.length));
    });
  const rows = (table) => {
    const lines = [...table.rows].map((row) => `| ${[...row.cells].map((cell) => join(cell).trim()).join(" | ")} |`);
    return [lines[0], `|${" --- |".repeat(table.rows[0].cells.length)}`, ...lines.slice(1)].join("\n");
  };
  const writers = {
    A: (node) => (/^https?:/.test(node.getAttribute("href")) && node.textContent !== node.getAttribute("href")
      ? `[${join(node)}](${node.getAttribute("href")})` : join(node)),
    BLOCKQUOTE: (node) => `\n\n${indent(join(node), "> ", "> ")}\n\n`,
    BR: () => "\n",
    BUTTON: () => "",
    CODE: (node) => `\`${node.textContent}\``,
    EM: (node) => `*${join(node)}*`,
    HR: () => "\n\n---\n\n",
    OL: (node) => `\n${items(node).join("\n")}\n`,
    P: (node) => `\n\n${join(node)}\n\n`,
    PRE: (node) => `\n\n\`\`\`\n${node.textContent}\n\`\`\`\n\n`,
    S: (node) => `~~${join(node)}~~`,
    STRONG: (node) => `**${join(node)}**`,
    SUMMARY: (node) => `\n\n${join(node)}\n\n`,
    TABLE: (node) => `\n\n${rows(node)}\n\n`,
    UL: (node) => `\n${items(node).join("\n")}\n`,
  };
  const write = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data;
    const heading = /^H([3-6])$/.exec(node.tagName);
    if (heading) return `\n\n${"#".repeat(heading[1] - 2)} ${join(node)}\n\n`;
    return (writers[node.tagName] ?? join)(node);
  };
  const read = (text) => {
    const told = text.includes('<div class="prose">') // nobody's words begin a tag: see ui/markup.py
      ? join(new DOMParser().parseFromString(text, "text/html").body).replace(/\n{3,}/g, "\n\n").trim()
      : text;
    return told.replace(/^\u2060|(?<=[<&])\u2060/gm, "");
  };
  const copy = navigator.clipboard?.writeText.bind(navigator.clipboard);
  if (copy) navigator.clipboard.writeText = (text) => copy(read(text));
  document.addEventListener("copy", (event) => { // without HTTPS there is no such clipboard: a hidden box is copied
    if (event.target.tagName !== "TEXTAREA" || event.target.closest(".gradio-container")) return;
    event.clipboardData.setData("text/plain", read(event.target.value));
    event.preventDefault();
  });
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
    for (const said of document.querySelectorAll('#chat [data-testid="bot"][aria-label]')) {
      const label = said.getAttribute("aria-label"); // with all that is said, as HTML; what is said is read anyway
      if (label.includes("<")) said.setAttribute("aria-label", label.slice(0, label.indexOf(":")));
      if (!said.role) said.setAttribute("role", "group");
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
