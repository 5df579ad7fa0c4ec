// Look through the places of the book for what the address asks for, with MiniSearch.

const LETTERS = `alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi
    omicron pi rho sigma sigma tau upsilon phi chi psi omega`.split(/\s+/);
const SIGNS = {"∂": "partial", "∇": "nabla", "∑": "sum", "⊙": "hadamard"};
const FREQUENT = new Set(`a an and are as at be best by can different difference do does
    doing down for from get gets go goes going has have how i in into is it many me much
    my of on one or should stay stays that the them there they this to up use used using
    was we what when where which while why will with work works you your`.split(/\s+/));
// A line's words say much the same, in a reader's language and in the book's.
const LINES = `increase rise grow up higher
    jump swing
    explode diverge overflow rise
    huge large big
    decrease fall lower drop down low
    stuck constant plateau same stop level
    learn train fit fall
    not stop fail stuck constant never
    write build make
    long hour minute
    reproducible seed random
    nan inf infinite overflow
    zero 0 dead vanish
    small tiny shrink underflow vanish
    fail wrong mistake error bug fault problem symptom
    shape dimension size broadcasting
    gpu cuda device
    gpu device process
    multiple several distributed
    fp16 float16 half
    double float64 dtype
    float float32 dtype
    slow speed fast time
    normalise standardise scaler
    random draw seed
    initial first start
    initialise initial start
    step rate
    sgd descent momentum
    test validation
    set row
    prediction output
    prerequisite need minute
    install pip importerror modulenotfounderror
    download notebook
    notebook ipynb
    course teach class term
    homework mark grade assignment
    report error mail
    save checkpoint
    resume restart
    variable value
    perceptron mlp network unit
    answer solution`.split("\n").map((line) => line.trim().split(" "));
const WORD = /[∂∇∑⊙]|[\p{L}\p{N}_]+(?:[.’'-][\p{L}\p{N}_]+)*/gu;
// What explains comes before what calls, cites, defines, says it in signs, asks, repeats.
const SECOND = [/^chapters\/glossary/, /#equation-/,
    /^(Exercise|Solution|The whole|What (you will learn|to remember)|Three questions|Where to)/];
const THIRD = /^chapters\/(api|bibliography|notation)/;
const KINDS = /^(Exercise|Solution|Equation) /;
const SHOWN = 30;
const EXCERPT = 220;

// One spelling for a letter, whatever its accent, its case or its alphabet, and for what
// is written with s in Britain and with z in code; no genitive, and no ending.
const stem = (word) => {
    const short = /^[a-z]{4,}$/.test(word) ? STEMMER.stemWord(word) : word;
    return short === word ? word : stem(short);
};
const spell = (word) => stem(word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()
    .replace(/[’']s$/, "").replace(/iz(?=[aei])/g, "is")
    .replace(/[α-ω]/g, (letter) => LETTERS[letter.codePointAt() - 0x3b1])
    .replace(/[∂∇∑⊙]/g, (sign) => SIGNS[sign]));
const SAME = new Map();
for (const line of LINES) {
    const terms = line.filter((word) => !FREQUENT.has(word)).map(spell);
    for (const term of line.map(spell))
        SAME.set(term, [...(SAME.get(term) ?? []), ...terms]);
}

// A name is found by its parts as well, and self-made as selfmade; a number is whole.
const tokens = (text) => text.match(WORD) ?? [];
const parts = (word) =>
    /^[\d.]+$/.test(word) ? [] : word.split(/[._’'-]/).filter(Boolean);
const forms = (word, field) => field === "label" ? word : [...new Set([word,
    word.replace(/[’'-]/g, ""), ...parts(word)].map(spell))];
const telling = (text) => {
    const words = tokens(text).filter((word) => !FREQUENT.has(word.toLowerCase()));
    return words.length ? words : tokens(text);
};
const plain = (text) => ` ${telling(text).map(spell).join(" ")} `;

// What a letter stands for is said in the notation.
const isLetter = (term) =>
    LETTERS.includes(term) || /^([a-z]\d?|nabla|hadamard)$/.test(term);
const weigh = (id, term) => {
    const [address, title] = PLACES[id];
    if (isLetter(term) && address.includes("notation")) return 8;
    if (THIRD.test(address)) return 0.25;
    return SECOND.some((kind) => kind.test(address) || kind.test(title)) ? 0.5 : 1;
};
const search = new MiniSearch({
    fields: ["title", "label", "also", "page", "text"],
    tokenize: tokens,
    processTerm: forms,
    searchOptions: {
        boost: {title: 6, label: 12, also: 3, page: 0.5},
        boostDocument: weigh,
        processTerm: (term) => term,
    },
});
// A place is also found by its label, and by its chapter's number and file's name; an
// exercise by its number in the chapter.
search.addAll(PLACES.map(([address, title, page, text, terms, also, label], id) => {
    const number = (page || title).match(/^\d+(?=\.)/);
    const name = address.match(/(\w+)\.html/)[1];
    const chapter = number ? `Chapter ${number}` : "";
    const short = title.match(/(?<=Exercise \d+\.)\d+/) ?? "";
    const called = page ? short && `${number} ${short}` : name;
    return {id, text, also, label: `${label.replace(/\bequation-/g, "")} ${called}`,
        title: page ? title : `${title} ${chapter}`, page: `${page} ${chapter} ${name}`};
}));

// What a place is called: its title, before and after a colon, and in the glossary.
const names = ([, title, , , terms]) =>
    [...title.replace(/^\d+\. /, "").split(":"), ...terms.split("; ")].map(plain);
const known = (term) => search.search(term).length;

// The word of the book that is most like one that is not in it.
function nearest(word) {
    if (word.length < 4 || /\d/.test(word)) return word;
    const found = search.autoSuggest(spell(word), {fuzzy: 0.3}).map((x) => x.suggestion);
    return found.map((other) => [like(spell(word), other), other])
        .sort(([a], [b]) => b - a)[0]?.[1] ?? word;
}

// How alike two words are: more where they begin alike than where they end so.
function like(a, b) {
    const short = Math.min(a.length, b.length);
    let head = 0, tail = 0;
    while (head < short && a[head] === b[head]) head += 1;
    while (tail < short - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
    return 2 * head + tail - Math.abs(a.length - b.length);
}

// The places with the most of what was written, or of what means the same; and whether
// that is only near to it, because a word is nowhere or is a slip of the pen.
function find(query, corrected = false) {
    const all = tokens(query);
    const told = all.filter((word) => !FREQUENT.has(word.toLowerCase()) || SAME.has(word));
    const words = (told.length ? told : all).flatMap((word) =>
        known(spell(word)) || !parts(word).length ? [word] : parts(word));
    const asked = new Set(plain(words.join(" ")).trim().split(" "));
    const joined = new Set(words.slice(1).map((word, k) => spell(words[k] + word)));
    const meant = words.map((word, k) => [spell(word), spell(words[k - 1] + word),
        spell(word + words[k + 1]), ...(SAME.get(spell(word)) ?? [])]
        .filter((term, at) => at || asked.has(term)));
    const found = search.search({combineWith: "OR", queries: [...new Set(meant.flat())]}, {
        prefix: (term) => (asked.has(term) || joined.has(term)) && /^[^\d.].../.test(term),
        boostTerm: (term) => asked.has(term) ? 1 : joined.has(term) ? 2 : 0.5});
    // What few places have says more.
    const tell = meant.map((some) => Math.log(1 + PLACES.length / (1 + known(some[0]))));
    const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
    const missing = ({queryTerms, terms}) => sum(tell.map((much, k) =>
        terms.includes(meant[k][0]) ? 0
            : meant[k].some((term) => queryTerms.includes(term)) ? 0.3 * much : much));
    const whole = ({queryTerms}) => meant.every((some) =>
        some.some((term) => queryTerms.includes(term)));
    if (!corrected && !found.some(whole)) {
        const right = words.map((word) => known(spell(word)) ? word : nearest(word));
        return [find(right.join(" "), true)[0], true];
    }
    const phrase = plain(words.join(" "));
    const pairs = [...phrase.matchAll(/(?= (\S+ \S+ ))/g)].map(([, pair]) => ` ${pair}`);
    for (const place of found) {
        const [, title, , , , , label] = PLACES[place.id];
        place.score *= (1 - missing(place) / sum(tell)) ** 2;
        // Words that belong together count most where they stand together.
        const text = plain(PLACES[place.id].join(" "));
        place.score *= 3 ** pairs.filter((pair) => text.includes(pair)).length;
        if (names(PLACES[place.id]).includes(phrase)) place.score *= 3;
        // Exercises are asked for by that word; a symptom, which has no label, by several.
        if (KINDS.test(title) && asked.has(spell(tokens(title)[0]))) place.score *= 4;
        if (!label && words.length > 1) place.score *= 2;
    }
    return [found.sort((a, b) => b.score - a.score), corrected];
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
    const [address, title, page, text, , also] = PLACES[id];
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = address;
    link.textContent = title;
    item.append(link, page ? ` in ${page}` : "", excerpt(`${text} ${also}`.trim(),
        new Set(Object.keys(match))));
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
