// Start each explorer that the page has, once. In the site this script is a file, and
// the state goes into the address; in a notebook it is in the output, and doesn't.
const here = document.currentScript;

function start() {
  document.querySelectorAll("[data-backprop-play]").forEach((host, k) => {
    if (host.shadowRoot) return;
    const share = here?.src ? `play${k + 1}` : "";
    new Explorer(host, JSON.parse(host.dataset.backpropPlay), share);
  });
}

if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
else start();
