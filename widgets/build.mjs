// Builds the modules that ship inside the Python package, and fails when they grow past what a page should load.
import { build } from "esbuild";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const LIMIT_BYTES = 60_000; // gzipped, script and style together
const folder = new URL(".", import.meta.url);
const out = process.argv[2] ?? fileURLToPath(new URL("../autodevops/widgets/static/", folder));

await build({
  absWorkingDir: fileURLToPath(folder),
  entryPoints: { chat: "chat/src/index.ts", views: "views/src/index.ts" },
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
  entryPoints: { chat: "chat/src/style.css", views: "views/src/style.css" },
  outdir: out,
  bundle: true,
  minify: true,
  target: "chrome120", // keeps nesting as it is written; Firefox and Safari read it since 2023
});

for (const bundle of ["chat", "views"]) {
  let total = 0;
  for (const name of [`${bundle}.js`, `${bundle}.css`]) {
    const size = gzipSync(await readFile(`${out}/${name}`), { level: 9 }).length;
    console.log(`${name}: ${size} bytes gzipped`);
    total += size;
  }
  if (total > LIMIT_BYTES) {
    console.error(`The bundle ${bundle} is ${total} bytes gzipped, over the limit of ${LIMIT_BYTES}.`);
    process.exitCode = 1;
  }
}
