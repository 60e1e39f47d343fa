// Eleventy's plugin: the shortcodes cutline, cutlineHead and cutlineSheet. See README.md.
import fs from "node:fs";
import { figure, head, look, sheet } from "./cutline.mjs";

/**
 * data: the manifest. missing: "error" ends the build where the manifest lacks a picture, "warning" shows the original.
 * placeholder: "style", "sheet" or "none" (see figure). site: scheme and host, for cutlineHead.
 * A pathPrefix gets into the pages by Eleventy's HtmlBasePlugin.
 */
export default function (eleventyConfig, { data = "_data/cutline.json", missing = "error", placeholder = "style", site = "" } = {}) {
  let manifest;
  const published = () => site.replace(/\/$/, "") + eleventyConfig.pathPrefix;
  eleventyConfig.on("eleventy.before", () => {
    manifest = fs.existsSync(data) ? JSON.parse(fs.readFileSync(data, "utf8")) : undefined;
  });
  eleventyConfig.addWatchTarget(data);

  // In Nunjucks {% cutline hero=true %}, in Liquid {% cutline src, "hero" %} or {% cutline "", "card" %}, in JavaScript
  // this.cutline({ hero: true }): all of them with src or page where it is another page's picture.
  const optionsOf = (first, role) => {
    const options = typeof first === "object" && first !== null ? { ...first } : { src: first || undefined };
    if (role === "hero") options.hero = true;
    else if (role) options.preset = role;
    return options;
  };
  // The page whose template runs, and its front matter unless the picture is another page's.
  const lookUp = (self, options) => {
    const page = options.page ?? self.page?.inputPath;
    const data = options.page ? options.data : (self.ctx?.environments ?? self.ctx);
    return look(manifest, { page, src: options.src, data, missing });
  };

  eleventyConfig.addShortcode("cutline", function (first, role) {
    const options = optionsOf(first, role);
    const picture = lookUp(this, options);
    return picture ? figure(picture, { placeholder, site: published(), ...options }) : "";
  });
  eleventyConfig.addShortcode("cutlineHead", function (first) {
    const options = optionsOf(first);
    const picture = lookUp(this, options);
    return picture ? head(picture, { site: published(), ...options }) : "";
  });
  eleventyConfig.addShortcode("cutlineSheet", () => sheet(manifest));
}
