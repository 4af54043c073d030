// What the form holds, as it was left.
element.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = element.querySelector("form");
  const tasks = [...form.querySelectorAll("fieldset[data-task]")].map((task) => ({
    id: Number(task.dataset.task),
    keep: task.querySelector("input[type=checkbox]").checked,
    model: task.querySelector("select")?.value ?? "",
    args: Object.fromEntries([...task.querySelectorAll("textarea")].map((text) => [text.name, text.value])),
  }));
  trigger("submit", { key: form.dataset.key, tasks });
});
element.addEventListener("click", (event) => {
  if (event.target.closest("button[data-stop]")) trigger("submit", { stop: true });
});
watch("value", () => element.querySelector("form")?.scrollIntoView({ block: "nearest" }));
