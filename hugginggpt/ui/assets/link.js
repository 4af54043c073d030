element.addEventListener('click', async event => {
  const button = event.target.closest('button');
  if (!button) return;
  await navigator.clipboard.writeText(element.querySelector('a').href);
  button.textContent = button.dataset.done;
});
