// A small git repository, made by git away from the settings of whoever runs the tests.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A subject that a page must show as it is. */
export const HOSTILE = `Show <b>names</b> <img src=x onerror="document.title='run'"> & "quotes"`;

export class History {
  private seconds = 1_700_000_000;

  constructor(readonly path: string) {
    mkdirSync(path, { recursive: true });
    this.git("init", "--quiet", "--initial-branch=main");
    this.commit("Begin the shop", { "shop/cart.py": "def total(prices):\n    return sum(prices)\n" });
    this.commit(HOSTILE, { "README.md": "# Shop\n" });
    // Put together here, so that no file of this repository has a secret in it.
    const token = "ghp_" + "b7Xk2LmQ9sWcR4tYvN8pDfGhJzA1eU6iOoT3";
    this.commit("Release from a script", { "ci/release.sh": `#!/bin/sh\nexport TOKEN=${token}\n` });
  }

  /** Commits files by their paths; gives the commit's hash. */
  commit(subject: string, files: Record<string, string>): string {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.path, path)), { recursive: true });
      writeFileSync(join(this.path, path), content);
    }
    this.git("add", "--all");
    this.seconds += 60;
    this.git("commit", "--quiet", "--message", subject);
    return this.git("rev-parse", "HEAD");
  }

  private git(...args: string[]): string {
    const date = `${this.seconds} +0000`;
    const who = { NAME: "Ann", EMAIL: "ann@example.org", DATE: date };
    const env: NodeJS.ProcessEnv = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
    for (const [key, value] of Object.entries(who)) {
      env[`GIT_AUTHOR_${key}`] = value;
      env[`GIT_COMMITTER_${key}`] = value;
    }
    return execFileSync("git", args, { cwd: this.path, env, encoding: "utf8" }).trim();
  }
}
