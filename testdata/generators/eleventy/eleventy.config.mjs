import { HtmlBasePlugin } from "@11ty/eleventy";
import cutline from "./cutline/plugin.mjs";

export default function (eleventyConfig) {
  eleventyConfig.addPlugin(HtmlBasePlugin);
  eleventyConfig.addPlugin(cutline, { site: "https://gazette.example" });
  eleventyConfig.addPassthroughCopy("site.css");
  eleventyConfig.addPassthroughCopy("images");
  eleventyConfig.addPassthroughCopy("assets/cutline");
  return { markdownTemplateEngine: "njk", htmlTemplateEngine: "njk" };
}
