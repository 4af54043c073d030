() => {
  const chat = document.querySelector('#chat .bubble-wrap');
  if (chat) chat.scrollTop = chat.scrollHeight;
  const run = document.querySelector('#run.sidebar');
  if (run && innerWidth >= 1200 && !run.classList.contains('open') && !sessionStorage.getItem('hugginggpt-run-seen')) {
    run.querySelector('.toggle-button').click();
    sessionStorage.setItem('hugginggpt-run-seen', '1');
  }
}
