// An image service for astro:assets: Image, Picture and getImage with a source of a post's front matter show the files of "cutline prefetch".
//
//   <Image src="/images/a.jpg" alt="…" />    the format that every browser reads, in all widths
//   <Picture src="/images/a.jpg" alt="…" formats={["avif", "webp"]} widths={[320, 640]} sizes="100vw" />    AVIF and WebP before it
//
// Width and height come from the manifest. Alternative text, cutline and credit do not: components of Astro want alt, and know no
// caption. Cutline.astro shows all of them.
import { MissingPicture, candidates, defaultSizes, find, withBase } from "./cutline.mjs";
import { manifest } from "./manifest.mjs";

/** The files in the format that is asked for, else in the one that every browser reads. */
function filesOf({ src, format }) {
  const { sources, fallback } = candidates(pictureOf(src));
  return sources.find((list) => list[0].format === format) ?? fallback;
}

function pictureOf(src) {
  if (typeof src !== "string") {
    throw new MissingPicture(`an imported picture (${src?.src}) is not in the manifest: write its source as the post does`);
  }
  return find(manifest, { src });
}

/** The narrowest file that is as wide as asked for, else the widest. */
const narrowest = (files, width) => files.find((file) => file.width >= width) ?? files[files.length - 1];

export default {
  validateOptions(options) {
    const files = filesOf(options);
    const { width, height } = files[files.length - 1];
    if (options.width) {
      options.height ??= Math.round((options.width * height) / width);
    } else {
      options.width = options.height ? Math.round((options.height * width) / height) : width;
      options.height ??= height;
    }
    options.sizes ??= options.loading === "lazy" ? `auto, ${defaultSizes}` : defaultSizes;
    return options;
  },

  getURL(options) {
    return withBase(narrowest(filesOf(options), options.width).url, import.meta.env.BASE_URL);
  },

  getSrcSet(options) {
    const files = filesOf(options);
    const wanted = (options.widths ?? []).map((width) => narrowest(files, width));
    return files
      .filter((file) => wanted.length === 0 || wanted.includes(file))
      .map(({ width, height, sourceType }) => ({
        transform: { ...options, width, height },
        descriptor: `${width}w`,
        attributes: { type: sourceType },
      }));
  },

  getHTMLAttributes(options) {
    const { src, format, formats, quality, widths, densities, layout, priority, fit, position, background, ...attributes } = options;
    return { ...attributes, loading: attributes.loading ?? "lazy", decoding: attributes.decoding ?? "async" };
  },
};
