// Look through the places of the book for what the address asks for, with MiniSearch.

const LETTERS = `alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi
    omicron pi rho sigma sigma tau upsilon phi chi psi omega`.split(/\s+/);
const SIGNS = {"∂": "partial", "∇": "nabla", "∑": "sum", "⊙": "hadamard"};
const FREQUENT = new Set(`a an and are as at be by can do does for from how i in is it my
    of on or that the this to what when where which why with work works you`.split(/\s+/));
const WORD = /[\p{L}\p{N}_∂∇∑⊙]+(?:[.’'-][\p{L}\p{N}_]+)*/gu;
// What explains comes before what calls, cites, says it in signs, asks or repeats.
const SECOND = [/^chapters\/(api|bibliography)/, /#equation-/,
    /^(Exercise|Solution|What to remember|Three questions|Where to go next)/];
const SHOWN = 30;
const EXCERPT = 220;

// One spelling for a letter, whatever its accent, its case or its alphabet, and for what
// is written with s in Britain and with z in code; no genitive.
const spell = (word) => word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()
    .replace(/[’']s$/, "").replace(/iz(?=[aei])/g, "is")
    .replace(/[α-ω]/g, (letter) => LETTERS[letter.codePointAt() - 0x3b1])
    .replace(/[∂∇∑⊙]/g, (sign) => SIGNS[sign]);

// A name is found by its parts as well, and self-made as selfmade; a number is whole.
const parts = (word) =>
    /^[\d.]+$/.test(word) ? [] : word.split(/[._’'-]/).filter(Boolean);
const tokens = (text) => text.match(WORD) ?? [];
const forms = (word) => {
    const whole = spell(word);
    return [...new Set([whole, whole.replace(/[’'-]/g, ""), ...parts(whole),
        ...(parts(whole).length ? whole.split(".") : [])])];
};

const search = new MiniSearch({
    fields: ["title", "page", "text"],
    tokenize: tokens,
    processTerm: forms,
    searchOptions: {
        boost: {title: 6, page: 0.5},
        boostDocument: (id) => SECOND.some((kind) =>
            PLACES[id].slice(0, 2).some((words) => kind.test(words))) ? 0.5 : 1,
        combineWith: "AND",
        processTerm: spell,
    },
});
// A chapter is also found by its number and by its file's name.
search.addAll(PLACES.map(([address, title, page, text], id) => {
    const number = title.match(/^\d+(?=\.)/);
    const name = address.match(/(\w+)\.html$/)?.[1] ?? "";
    const chapter = number ? ` Chapter ${number}` : "";
    return {id, title: page ? title : `${title}${chapter} ${name}`, page, text};
}));

// What a title names, which in a chapter's comes before a colon.
const named = (title) => spell(title.replace(/^\d+\. ([^:]+).*/, "$1"));

// The first of these that finds something: what was written, its parts, its parts
// written together, a slip of the pen, and at last any of the words; the last two are
// only near to what was asked.
function find(query) {
    const all = tokens(query);
    const telling = all.filter((word) => !FREQUENT.has(word.toLowerCase()));
    const words = telling.length ? telling : all;
    const pieces = words.flatMap((word) => parts(word).length ? parts(word) : [word]);
    const prefix = (term) => term.length > 2 && !/^[\d.]+$/.test(term);
    const fuzzy = (term) => term.length > 3 && !/\d/.test(term) && 0.25;
    for (const [asked, options, near] of [
        [words, {prefix}],
        [pieces, {prefix}],
        [[pieces.join("")], {prefix}],
        [pieces, {prefix, fuzzy}, true],
        [pieces, {prefix, fuzzy, combineWith: "OR"}, true],
    ]) {
        const found = search.search(asked.join(" "), options);
        // Words that belong together count most where they stand together.
        for (const place of found) {
            const text = spell(PLACES[place.id].join(" "));
            if (text.includes(spell(query))) place.score *= 10;
            if (named(PLACES[place.id][1]) === spell(words.join(" "))) place.score *= 2;
        }
        if (found.length) return [found.sort((a, b) => b.score - a.score), near];
    }
    return [[]];
}

// The part of a text with the most of the terms, these marked.
function excerpt(text, terms) {
    const hits = [...text.matchAll(WORD)].map((match) => [match.index, match[0], forms(
        match[0]).find((form) => terms.has(form))]).filter(([, , term]) => term);
    const within = (start) => hits.filter(([at, word]) =>
        start <= at && at + word.length <= start + EXCERPT);
    const different = (some) => new Set(some.map(([, , term]) => term)).size;
    let from = 0, best = 0;
    for (const [at] of hits) {
        const start = Math.max(0, text.lastIndexOf(" ", Math.max(0, at - 40)));
        const count = different(within(start));
        if (count > best) [from, best] = [start, count];
    }
    const line = document.createElement("p");
    let end = from;
    if (from) line.append("…");
    for (const [at, word] of within(from)) {
        const mark = document.createElement("mark");
        mark.textContent = word;
        line.append(text.slice(end, at), mark);
        end = at + word.length;
    }
    line.append(text.slice(end, from + EXCERPT), from + EXCERPT < text.length ? "…" : "");
    return line;
}

function show({id, match}) {
    const [address, title, page, text] = PLACES[id];
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = address;
    link.textContent = title;
    item.append(link, page ? ` in ${page}` : "", excerpt(text, new Set(Object.keys(match))));
    return item;
}

const query = new URLSearchParams(location.search).get("q")?.trim();
for (const field of document.querySelectorAll("input[name=q]")) field.value = query ?? "";
document.querySelector("main input[name=q]").focus();
if (query) {
    const [found, near] = find(query);
    const number = found.length > SHOWN ? `the first ${SHOWN} of ${found.length}` : found.length;
    const places = `${number} place${found.length > 1 ? "s" : ""}`;
    document.getElementById("search-status").textContent = !found.length
        ? `Nothing in this book is like “${query}”.` : near
            ? `“${query}” is not in this book. Near to it: ${places}` : `“${query}”: ${places}`;
    document.getElementById("search-results").append(...found.slice(0, SHOWN).map(show));
}
