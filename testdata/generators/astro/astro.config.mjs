import { defineConfig } from "astro/config";

export default defineConfig({
  site: "https://gazette.example",
  image: { service: { entrypoint: "./src/cutline/service.mjs" } }, // only for astro:assets' Image and Picture
});
