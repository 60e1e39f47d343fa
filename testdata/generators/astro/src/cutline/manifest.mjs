// The manifest of "cutline prefetch". A glob, because an import of a file that is not there would not say what to do.
const found = import.meta.glob("../data/cutline.json", { eager: true, import: "default" });

export const manifest = Object.values(found)[0];
