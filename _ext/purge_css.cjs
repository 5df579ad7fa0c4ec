// Reads {sheets, selectors} as JSON, writes the sheets without their unused rules, their
// comments and their blanks. PurgeCSS takes selectors found by others only through
// JavaScript.
const { PurgeCSS } = require("purgecss");
const postcss = require("postcss");

async function purge({ sheets, selectors }) {
  const purged = await new PurgeCSS().purge({
    css: sheets.map((raw) => ({ raw })),
    content: [{ raw: "-", extension: "found" }],
    extractors: [{ extensions: ["found"], extractor: () => selectors }],
    // The release of KaTeX, which the tests compare with the one that rendered.
    safelist: ["katex-version"],
    fontFace: true,
    keyframes: true,
    variables: true,
  });
  const light = purged.map(({ css }) => {
    const root = postcss.parse(css);
    root.walkComments((comment) => {
      if (!comment.text.startsWith("!")) comment.remove();
    });
    root.walk((node) => Object.assign(node.raws, { before: "", after: "", between: "" }));
    root.walkDecls((declaration) => (declaration.raws.between = ":"));
    return root.toString();
  });
  process.stdout.write(JSON.stringify(light));
}

let input = "";
process.stdin.on("data", (piece) => (input += piece));
process.stdin.on("end", () => purge(JSON.parse(input)));
