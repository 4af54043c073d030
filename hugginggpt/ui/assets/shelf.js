// The cards are drawn anew at any time: one listener on what holds them.
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-name]");
  if (button) trigger("select", { name: button.dataset.name });
});
