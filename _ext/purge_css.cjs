// Reads {sheet, selectors} as JSON, writes the sheet without its unused rules, comments
// and blanks. PurgeCSS takes selectors found by others only through JavaScript.
const { PurgeCSS } = require("purgecss");
const postcss = require("postcss");

async function purge({ sheet, selectors }) {
  const [{ css }] = await new PurgeCSS().purge({
    css: [{ raw: sheet }],
    content: [{ raw: "-", extension: "found" }],
    extractors: [{ extensions: ["found"], extractor: () => selectors }],
    // The release of KaTeX, which the tests compare with the one that rendered.
    safelist: ["katex-version"],
    fontFace: true,
    keyframes: true,
    variables: true,
  });
  const root = postcss.parse(css);
  root.walkComments((comment) => {
    if (!comment.text.startsWith("!")) comment.remove();
  });
  root.walk((node) => Object.assign(node.raws, { before: "", after: "", between: "" }));
  root.walkDecls((declaration) => (declaration.raws.between = ":"));
  process.stdout.write(root.toString());
}

let input = "";
process.stdin.on("data", (piece) => (input += piece));
process.stdin.on("end", () => purge(JSON.parse(input)));
