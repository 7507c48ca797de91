// Builds the modules that ship inside the Python package, and fails when they grow past what a page should load.
import { build } from "esbuild";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const LIMIT_BYTES = 60_000; // gzipped, script and style together, for each widget
const WIDGETS = ["chat", "portal", "views"];
const folder = new URL(".", import.meta.url);
const out = process.argv[2] ?? fileURLToPath(new URL("../autodevops/widgets/static/", folder));

await build({
  absWorkingDir: fileURLToPath(folder),
  entryPoints: Object.fromEntries(WIDGETS.map((name) => [name, `${name}/src/index.ts`])),
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "eof",
});
await build({
  absWorkingDir: fileURLToPath(folder),
  entryPoints: Object.fromEntries(WIDGETS.map((name) => [name, `${name}/src/style.css`])),
  outdir: out,
  bundle: true,
  minify: true,
  target: "chrome120", // keeps nesting as it is written; Firefox and Safari read it since 2023
});

for (const widget of WIDGETS) {
  let total = 0;
  for (const name of [`${widget}.js`, `${widget}.css`]) {
    const size = gzipSync(await readFile(`${out}/${name}`), { level: 9 }).length;
    console.log(`${name}: ${size} bytes gzipped`);
    total += size;
  }
  if (total > LIMIT_BYTES) {
    console.error(`The bundle of ${widget} is ${total} bytes gzipped, over the limit of ${LIMIT_BYTES}.`);
    process.exit(1);
  }
}
