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
// window changes its size: code in a solution scrolls only once that is open, and code far
// from the screen (see book.css) once the reader comes near.
const lookAgain = () => setTimeout(() => window.dispatchEvent(new Event("resize")));
document.addEventListener("toggle", lookAgain, true);
document.addEventListener("contentvisibilityautostatechange", (event) => {
  if (!event.skipped) lookAgain();
});
