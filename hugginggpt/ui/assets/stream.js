// Gradio's client closes its stream of results as soon as the server has nothing left to tell. What was sent in that very
// moment, while the word of it was on its way through a proxy, is worked on and never heard of. One more event, which does
// nothing, opens the stream again, and everything that waits in it comes.
const fetched = window.fetch;
let opened = 0; // when the stream was opened last
let sent = 0; // when the server last took something that was sent
const closed = () => setTimeout(() => sent > opened && trigger("select"), 100);
window.fetch = async (what, how) => {
  const path = new URL(what?.url ?? what, location.href).pathname;
  if (path.endsWith("/queue/data")) {
    opened = performance.now();
    (how?.signal ?? what.signal)?.addEventListener("abort", closed, { once: true });
  }
  const answer = await fetched(what, how);
  if (path.endsWith("/queue/join")) sent = performance.now();
  return answer;
};
