() => {
  const side = document.querySelector('#side');
  side?.setAttribute('inert', '');  // until what was chosen before is put back: nothing changes under the person's hands
  setTimeout(() => side?.removeAttribute('inert'), 10_000);
  let key = '', returned = '';
  try {
    key = sessionStorage.getItem('hugginggpt-visit') ?? '';
    returned = key && (sessionStorage.getItem('hugginggpt-answered') ?? '');
    if (!key) {
      key = [...crypto.getRandomValues(new Uint8Array(24))].map(byte => byte.toString(16).padStart(2, '0')).join('');
      sessionStorage.setItem('hugginggpt-visit', key);
    }
  } catch { /* a browser that keeps nothing */ }
  return [key, location.search, returned];
}
