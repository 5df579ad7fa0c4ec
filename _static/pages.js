// A figure that is shown smaller than it was drawn is a link to its file. Where scripts
// run, it grows in its place instead, and scrolls in a box of its own.
document.addEventListener("click", (event) => {
  const figure = event.target.closest("a.figure");
  if (!figure || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const image = figure.querySelector("img");
  const large = figure.classList.contains("large");
  if (!large && image.clientWidth >= image.getAttribute("width")) return;
  event.preventDefault();
  figure.classList.toggle("large");
});

// The theme lets the keyboard into the boxes that scroll, and looks for them when the
// window changes its size: code in a fold scrolls only once that is open.
const lookAgain = () => setTimeout(() => window.dispatchEvent(new Event("resize")));
document.addEventListener("toggle", lookAgain, true);

// On paper: no dark colours, and folds open where the style sheet can't open them.
addEventListener("beforeprint", () => {
  const root = document.documentElement;
  root.dataset.themeOnScreen = root.dataset.theme;
  root.dataset.theme = "light";
  for (const fold of document.querySelectorAll("article details:not([open])")) {
    fold.open = true;
    fold.dataset.openOnPaper = "";
  }
});
addEventListener("afterprint", () => {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.themeOnScreen;
  for (const fold of document.querySelectorAll("[data-open-on-paper]")) {
    fold.open = false;
    delete fold.dataset.openOnPaper;
  }
});
