// A figure that is shown smaller than it was drawn is a link to its file. Where scripts
// run, it grows in its place instead, and scrolls in a box of its own; and one that has
// room enough is no link.
const figures = [...document.querySelectorAll("a.figure")];
const fitFigures = () => {
  for (const figure of figures) {
    const image = figure.querySelector("img");
    const large = figure.classList.contains("large");
    if (large || image.clientWidth < image.getAttribute("width"))
      figure.setAttribute("href", image.getAttribute("src"));
    else figure.removeAttribute("href");
  }
};
fitFigures();
addEventListener("resize", fitFigures);
document.addEventListener("click", (event) => {
  const figure = event.target.closest("a.figure[href]");
  if (!figure || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  figure.classList.toggle("large");
});

// The theme lets the keyboard into the boxes that scroll, and looks for them when the
// window changes its size: code in a fold scrolls only once that is open.
const lookAgain = () => setTimeout(() => window.dispatchEvent(new Event("resize")));
document.addEventListener("toggle", lookAgain, true);

// A browser that comes back to a page scrolls to where its reader was, and closes all
// folds, which moves the text: the page remembers which were open.
const folds = [...document.querySelectorAll("article details")];
for (const number of history.state?.open ?? []) folds[number]?.setAttribute("open", "");
const remember = () => {
  const open = folds.flatMap((fold, number) => (fold.open ? [number] : []));
  history.replaceState({...history.state, open}, "");
};
document.addEventListener("toggle", remember, true);

// A link into a fold opens it; one to the fold as a whole does so here.
const openTarget = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.matches("details")) target.open = true;
};
openTarget();
addEventListener("hashchange", () => {
  openTarget();
  remember();
});

// Each button that copies says what.
for (const button of document.querySelectorAll("button.copybtn")) {
  const [line] = button.previousElementSibling.textContent.trim().split("\n");
  button.setAttribute("aria-label", `Copy: ${line}`);
}

// On paper: no dark colours, and folds open where the style sheet can't open them; on a
// sheet without solutions, the answers to questions stay folded.
const root = document.documentElement;
addEventListener("beforeprint", () => {
  root.dataset.themeOnScreen = root.dataset.theme;
  root.dataset.theme = "light";
  const kept = root.classList.contains("no-solutions") ? ":not(.sd-dropdown)" : "";
  for (const fold of document.querySelectorAll(`article details${kept}:not([open])`)) {
    fold.open = true;
    fold.dataset.openOnPaper = "";
  }
});
addEventListener("afterprint", () => {
  root.dataset.theme = root.dataset.themeOnScreen;
  for (const fold of document.querySelectorAll("[data-open-on-paper]")) {
    fold.open = false;
    delete fold.dataset.openOnPaper;
  }
  root.classList.remove("no-solutions");
});
function printWithoutSolutions() {
  root.classList.add("no-solutions");
  print();
}

// The theme takes the focus off a button that was pressed, so that a mouse leaves no
// tooltip behind; the keyboard would lose its place on the page.
for (const button of document.querySelectorAll(
  ".theme-switch-button, .search-button, .primary-toggle, .secondary-toggle",
))
  button.blur = () => {
    if (!button.matches(":focus-visible")) HTMLElement.prototype.blur.call(button);
  };
