// Bundles the front end into static/ and writes static/manifest.json, which the server reads to find the hashed names.
//
//   node build.mjs            build what exists (entries not written yet are named and skipped)
//   node build.mjs --strict   every entry must exist; files of earlier builds are removed (make build, wheels)
//   node build.mjs --watch    rebuild on change, with source maps
//
// manifest.json: { "<name>": { file, css?, imports?, bytes, gzip } }; bytes and gzip count all that a browser fetches
// before the entry runs: the script, the chunks that it imports statically, and its style sheet.

import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";

const root = dirname(fileURLToPath(import.meta.url));
const outDir = join(root, "static");
const strict = process.argv.includes("--strict");
const watch = process.argv.includes("--watch");

// Entries of one group share chunks. The widget is its own group, so that no chunk of the desktop's can grow the panel.
// eager: nearly all of it runs at once, so V8 is told to compile it while it loads instead of function by function.
// iife: runs as a classic script on pages that are not ours (loader) or as a classic worker.
const groups = [
  { name: "loader", format: "iife", target: "es2020", entries: { widget: "widget/src/loader.ts" } },
  // Runs in the customer's page, fetched once he shares it.
  { name: "cobrowse", format: "iife", target: "es2020", entries: { cobrowse: "widget/src/cobrowse/main.ts" } },
  { name: "pictures", format: "iife", target: "es2020", entries: { pictures: "widget/src/cobrowse/pictures.ts" } },
  { name: "companion", format: "iife", target: "es2020", entries: { companion: "widget/src/cobrowse/companion.ts" } },
  { name: "panel", format: "esm", target: "es2020", eager: true, entries: { panel: "widget/src/panel.tsx" } },
  {
    name: "pages",
    format: "esm",
    target: "es2022",
    entries: {
      agent: "agent_ui/src/agent/main.tsx",
      supervisor: "agent_ui/src/supervisor/main.tsx",
      calls: "agent_ui/src/calls/main.tsx",
      callbacks: "agent_ui/src/callbacks/main.tsx",
      admin: "agent_ui/src/admin/main.tsx",
      login: "agent_ui/src/login/main.ts",
    },
  },
  // On an origin of its own, so that it shares no file with other pages.
  { name: "viewer", format: "esm", target: "es2022", entries: { viewer: "agent_ui/src/viewer/main.ts" } },
  // x.worker.ts anywhere below src/ becomes the entry "x.worker": a worker needs a script of its own under a strict CSP.
  { name: "workers", format: "iife", target: "es2022", entries: discover("{widget,agent_ui}/src/**/*.worker.ts") },
];

// Pictures, icons and sounds that templates refer to by name: agent_ui/assets/icon.svg -> "agent_ui/icon.svg".
const assetFolder = "agent_ui/assets";

// rrweb films canvases in a worker, whose source it carries along as text; no page of ours asks for that.
const withoutFilming = {
  name: "without-filming",
  setup: (build) =>
    build.onLoad({ filter: /@rrweb\/record\/dist\/record\.js$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      const worker = /^const jsContent = '(?:[^'\\\n]|\\.)*';$/m;
      if (!worker.test(text)) throw new Error(`${path}: the worker is not where it was`);
      return { contents: text.replace(worker, 'const jsContent = "";'), loader: "js" };
    }),
};

// The packages of rrweb are published without it.
const rrwebLicence = "widget/src/cobrowse/rrweb-licence.txt";

const mediaLoaders = Object.fromEntries(
  [".svg", ".png", ".jpg", ".webp", ".woff2", ".mp3", ".wav", ".ogg"].map((extension) => [extension, "file"]),
);

function discover(pattern) {
  const files = globSync(pattern, { cwd: root }).sort();
  return Object.fromEntries(files.map((file) => [basename(file, extname(file)), file]));
}

function options(group, entries) {
  return {
    absWorkingDir: root,
    entryPoints: entries,
    outdir: outDir,
    entryNames: "[name]-[hash]",
    chunkNames: "chunk-[hash]",
    assetNames: "[name]-[hash]",
    publicPath: "/static",
    bundle: true,
    format: group.format,
    splitting: group.format === "esm",
    target: group.target,
    platform: "browser",
    jsx: "automatic",
    jsxImportSource: "preact",
    loader: mediaLoaders,
    charset: "utf8",
    minify: !watch,
    sourcemap: watch ? "linked" : false,
    legalComments: "none", // LICENSES.txt carries them
    ...(group.eager && { banner: { js: "//# allFunctionsCalledOnLoad" } }),
    metafile: true,
    plugins: [withoutFilming],
    logLevel: "warning",
  };
}

/** Sizes of a set of files in static/, each compressed on its own, as they are served. */
function sizes(files) {
  const contents = files.map((file) => readFileSync(join(outDir, file)));
  return {
    bytes: contents.reduce((sum, content) => sum + content.length, 0),
    gzip: contents.reduce((sum, content) => sum + gzipSync(content, { level: 9 }).length, 0),
  };
}

/** What esbuild made of one group, as manifest rows; `metafile` paths are relative to the root. */
function manifestRows(metafile, entries) {
  const named = (path) => relative("static", path);
  const staticImports = (path, seen = new Set()) => {
    for (const { path: next, kind, external } of metafile.outputs[path].imports) {
      if (kind !== "import-statement" || external || seen.has(next)) continue;
      seen.add(next);
      staticImports(next, seen);
    }
    return seen;
  };
  const rows = {};
  for (const [name, source] of Object.entries(entries)) {
    const [path, output] = Object.entries(metafile.outputs).find(([, made]) => made.entryPoint === source);
    const imports = [...staticImports(path)].map(named);
    const row = { file: named(path) };
    if (output.cssBundle) row.css = named(output.cssBundle);
    if (imports.length) row.imports = imports;
    rows[name] = { ...row, ...sizes([row.file, ...imports, ...(row.css ? [row.css] : [])]) };
  }
  return rows;
}

/** Copies the plain assets under hashed names. */
function copyAssets() {
  const rows = {};
  for (const file of globSync(`${assetFolder}/**/*.*`, { cwd: root }).sort()) {
    const content = readFileSync(join(root, file));
    const digest = createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase();
    const made = `${basename(file, extname(file))}-${digest}${extname(file)}`;
    writeFileSync(join(outDir, made), content);
    rows[`agent_ui/${relative(assetFolder, file)}`] = { file: made, ...sizes([made]) };
  }
  return rows;
}

/** The licences of the packages that ended up in the bundles; MIT asks that the text goes along with copies. */
function licences(metafiles) {
  const packages = new Set();
  for (const input of metafiles.flatMap((metafile) => Object.keys(metafile.inputs))) {
    const match = input.match(/^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//);
    if (match) packages.add(match[1]);
  }
  return [...packages].sort().map((name) => {
    const folder = join(root, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const path = file ? join(folder, file) : name.startsWith("@rrweb/") ? join(root, rrwebLicence) : null;
    return `${name} ${version} (${license})\n\n${path ? readFileSync(path, "utf8").trim() : ""}\n`;
  }).join(`\n${"-".repeat(80)}\n\n`);
}

/** Writes beside and renames, so that a server that reads meanwhile sees the old manifest or the new one, whole. */
function writeManifest(manifest) {
  const temporary = join(outDir, `.manifest-${process.pid}.json`);
  writeFileSync(temporary, JSON.stringify(manifest, null, 2) + "\n");
  renameSync(temporary, join(outDir, "manifest.json"));
}

function removeStale(kept) {
  for (const file of readdirSync(outDir)) {
    if (!kept.has(file) && !file.startsWith(".")) rmSync(join(outDir, file), { recursive: true });
  }
}

/** One table row an entry, so that growth is seen at every build. */
function report(manifest) {
  for (const [name, { file, bytes, gzip }] of Object.entries(manifest)) {
    const kilobytes = (count) => `${(count / 1000).toFixed(1)} kB`.padStart(10);
    console.log(`${name.padEnd(24)}${kilobytes(bytes)}${kilobytes(gzip)} gzipped  ${file}`);
  }
}

function existing(group) {
  const missing = Object.entries(group.entries).filter(([, source]) => !existsSync(join(root, source)));
  if (missing.length && strict) {
    console.error(`missing entries: ${missing.map(([, source]) => source).join(", ")}`);
    process.exit(1);
  }
  for (const [name, source] of missing) console.warn(`${name}: ${source} does not exist yet, skipped`);
  return Object.fromEntries(Object.entries(group.entries).filter(([, source]) => existsSync(join(root, source))));
}

async function main() {
  mkdirSync(outDir, { recursive: true });
  const work = groups
    .map((group) => ({ group, entries: existing(group) }))
    .filter(({ entries }) => Object.keys(entries).length > 0);
  const metafiles = new Map();

  const finish = () => {
    const manifest = copyAssets();
    for (const { group, entries } of work) Object.assign(manifest, manifestRows(metafiles.get(group), entries));
    writeFileSync(join(outDir, "LICENSES.txt"), licences([...metafiles.values()]));
    writeManifest(manifest);
    if (strict) {
      const outputs = [...metafiles.values()].flatMap((metafile) => Object.keys(metafile.outputs));
      const assets = Object.values(manifest).map((row) => row.file);
      removeStale(new Set(["manifest.json", "LICENSES.txt", ...assets, ...outputs.map((path) => basename(path))]));
    }
    report(manifest);
  };

  if (!watch) {
    for (const { group, entries } of work) metafiles.set(group, (await esbuild.build(options(group, entries))).metafile);
    finish();
    return;
  }
  for (const { group, entries } of work) {
    const onEnd = (result) => {
      if (result.metafile) metafiles.set(group, result.metafile);
      if (metafiles.size === work.length) finish();
    };
    const plugin = { name: "manifest", setup: (build) => build.onEnd(onEnd) };
    const context = await esbuild.context({ ...options(group, entries), plugins: [withoutFilming, plugin] });
    await context.watch();
  }
}

await main().catch((error) => {
  if (!error.errors) console.error(error); // esbuild has printed its own
  process.exit(1);
});
