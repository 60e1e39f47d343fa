// Pictures of a manifest of "cutline prefetch", as HTML. No dependencies; the same file serves Eleventy and Astro.

/** The sizes attribute where none is given: a column of text, 960 pixels wide on large screens. */
export const defaultSizes = "(min-width: 960px) 960px, 100vw";

/** What page or picture is missing, and what to do about it. */
export class MissingPicture extends Error {
  constructor(what, page, source) {
    super(`${page ? page + ": " : ""}${what}: run "cutline prefetch" before the build`);
    this.name = "MissingPicture";
    this.source = source;
  }
}

/**
 * The picture of a page with its words: by the page first, then by the source as it stands in the front matter.
 * page: the post's path under the site root. src: the source; without it, the page's picture.
 * data: the page's front matter, to tell a page without a picture from one that prefetch has not seen.
 * Undefined where the page has no picture; throws MissingPicture where it has one that the manifest lacks.
 */
export function find(manifest, { page, src, data } = {}) {
  if (!manifest?.images) throw new MissingPicture("there is no manifest", page);
  const path = page?.replace(/^(\.?\/)+/, "");
  const key = manifest.pages[path]?.image;
  if (key && (!src || isKeyOf(key, src))) return manifest.images[key];
  const source = src ?? sourceOf(data);
  if (!source) return undefined;
  // What is relative means another picture on another page.
  const picture = path && isRelative(source) ? undefined : manifest.images[source];
  if (!picture) throw new MissingPicture(`the manifest has no picture ${JSON.stringify(source)}`, path, source);
  return picture;
}

/** find, which for missing: "warning" warns where the manifest lacks the picture, and has figure show the original. */
export function look(manifest, { missing = "error", ...what }) {
  try {
    const picture = find(manifest, what);
    if (picture?.alt === null) console.warn(`[cutline] ${what.page ?? what.src}: the picture has no alternative text`);
    return picture;
  } catch (err) {
    if (missing !== "warning" || !(err instanceof MissingPicture)) throw err;
    console.warn(`[cutline] ${err.message}`);
    return err.source && { plain: err.source };
  }
}

/** Where two pictures are spelled alike, the second stands as "source#id", or by its path under the site root. */
function isKeyOf(key, src) {
  return key === src || key.startsWith(src + "#") || (isRelative(src) && key.endsWith("/" + src.replace(/^(\.\/)+/, "")));
}

const isRelative = (src) => !/^(\/|https?:)/i.test(src);

/** The featured image that front matter names; sites with names of their own pass src. */
function sourceOf(data) {
  for (const value of [data?.["featured-image"], data?.image]) {
    const source = value?.path ?? value;
    if (typeof source === "string" && source !== "") return source;
  }
  return undefined;
}

/**
 * A figure: picture, cutline and credit.
 * hero: the one picture that readers see first; all others load when they come into view.
 * preset: one size in place of all widths, as "card". sizes, class: the attributes. caption: false leaves the words away.
 * placeholder: "style" (an attribute), "sheet" (none here: link what sheet() makes; for a strict Content-Security-Policy) or "none".
 * jsonld: true adds a script with schema.org's ImageObject. alt: other words for what one sees.
 * site and base: scheme and host, for the ImageObject, and what all paths of the site begin with.
 */
export function figure(picture, options = {}) {
  const { hero = false, sizes = defaultSizes, placeholder = "style", caption = true, jsonld = false, base = "/" } = options;
  if (picture.plain) return `<img${attributes({ src: withBase(picture.plain, base), alt: options.alt, loading: hero ? undefined : "lazy" })}>`;
  const files = candidates(picture, options.preset);
  const url = (c) => withBase(c.url, base);
  const srcset = (list) => (list.length === 1 && options.preset ? url(list[0]) : list.map((c) => `${url(c)} ${c.width}w`).join(", "));
  const measured = options.preset ? {} : { sizes: hero ? sizes : `auto, ${sizes}` };
  const { fallback } = files;
  const largest = fallback[fallback.length - 1];
  const img = {
    src: url(middle(fallback)), ...(options.preset ? {} : { srcset: srcset(fallback), ...measured }),
    width: largest.width, height: largest.height, alt: options.alt ?? altOf(picture),
    ...(hero ? { fetchpriority: "high" } : { loading: "lazy" }), decoding: "async",
    style: placeholder === "style" ? background(picture) : undefined,
  };
  const words = caption ? picture.figcaption : "";
  return [
    `<figure${attributes({ class: ["cutline", options.class].filter(Boolean).join(" "), "data-cutline": picture.id })}>`,
    "<picture>",
    ...files.sources.map((list) => `<source${attributes({ type: list[0].sourceType, srcset: srcset(list), ...measured })}>`),
    `<img${attributes(img)}>`,
    "</picture>",
    ...(words ? [`<figcaption>${words}</figcaption>`] : []),
    "</figure>",
    ...(jsonld ? [script(picture, options)] : []),
  ].join("\n");
}

/** The tags of Open Graph and X, for a page's head, with the picture of preset "og" or another. Crawlers need site. */
export function head(picture, { preset = "og", ...where } = {}) {
  if (picture.plain) return "";
  const file = candidates(picture, picture.presets?.[preset] ? preset : undefined).fallback.at(-1);
  const url = published(file.url, where);
  const alt = altOf(picture);
  const tags = [
    { property: "og:image", content: url },
    { property: "og:image:type", content: file.sourceType },
    { property: "og:image:width", content: file.width },
    { property: "og:image:height", content: file.height },
    ...(alt ? [{ property: "og:image:alt", content: alt }] : []),
    { name: "twitter:card", content: file.width >= 300 && file.height >= 157 ? "summary_large_image" : "summary" },
    { name: "twitter:image", content: url },
    ...(alt ? [{ name: "twitter:image:alt", content: alt }] : []),
  ];
  return tags.map((tag) => `<meta${attributes(tag)}>`).join("\n");
}

/** A style sheet with the placeholders of all pictures, for pages whose Content-Security-Policy allows no style attributes. */
export function sheet(manifest) {
  return Object.values(manifest?.images ?? {})
    .filter(background)
    .map((picture) => `[data-cutline="${picture.id}"] img { ${background(picture)} }\n`)
    .join("");
}

/** The files of a picture: those of the fallback, which every browser reads, and those of the formats before it, best first. */
export function candidates(picture, preset) {
  let formats = picture.formats;
  if (preset) {
    const files = picture.presets?.[preset];
    if (!files) throw new Error(`no preset ${JSON.stringify(preset)}: the manifest has ${Object.keys(picture.presets ?? {}).join(", ") || "none"}`);
    formats = Object.fromEntries(Object.entries(files).map(([format, file]) => [format, [file]]));
  }
  const last = ["jpeg", "png", "gif", "webp", "avif"].find((format) => formats[format]?.length);
  const sources = ["avif", "webp"].filter((format) => format !== last && formats[format]?.length).map((format) => formats[format]);
  return { sources, fallback: formats[last] };
}

/** For browsers that know no srcset: the narrowest that fills a column of text, else the widest. */
function middle(list) {
  return list.find((c) => c.width >= 960) ?? list[list.length - 1];
}

/** "" marks decoration; undefined, and so no attribute, where nobody said what the picture shows. */
export function altOf(picture) {
  return picture.decorative ? "" : (picture.alt ?? undefined);
}

/** Through a picture with transparency a background would be seen for good. */
function background(picture) {
  if (picture.transparent || !(picture.color || picture.placeholder)) return undefined;
  return `background:${picture.color ?? ""}${picture.placeholder ? ` center/cover url(${picture.placeholder})` : ""}`;
}

function script(picture, where) {
  const url = published(picture.jsonld.contentUrl, where);
  const text = JSON.stringify({ ...picture.jsonld, contentUrl: url, url }).replaceAll("<", "\\u003c");
  return `<script type="application/ld+json">${text}</script>`;
}

function published(url, { site = "", base = "/" }) {
  return url.startsWith("/") ? site.replace(/\/$/, "") + withBase(url, base) : url;
}

/** A path of the site under the folder that the site is published in. */
export function withBase(url, base) {
  return url.startsWith("/") && !url.startsWith("//") ? base.replace(/\/$/, "") + url : url;
}

function attributes(values) {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${escape(value)}"`)
    .join("");
}

export function escape(value) {
  return String(value).replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
