// A real `septet up --repo` on a small history, and browsers that are signed in to its console.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test as base, expect, type Page } from "@playwright/test";
import { History } from "./history.js";

const BINARY = resolve(process.env.SEPTET_BINARY ?? "septet");
/** Where the suites of runs and the screenshots are kept. */
export const KEPT = resolve(import.meta.dirname, "../../target/browser");

export class Suite {
  readonly history: History;
  private readonly directory: string;
  private readonly process: ChildProcess;

  constructor() {
    mkdirSync(KEPT, { recursive: true });
    this.directory = mkdtempSync(join(KEPT, "suite-"));
    this.history = new History(join(this.directory, "shop"));
    const log = openSync(join(this.directory, "up.log"), "w");
    // Not where a `septet.toml` may lie, and on ports that nobody else has.
    this.process = spawn(BINARY, ["up", "--repo", this.history.path, "--since", "all", ...this.data()], {
      cwd: this.directory,
      env: { ...process.env, SEPTET_SUITE__GRPC__LISTEN: "127.0.0.1:0", SEPTET_SUITE__ADMIN__LISTEN: "127.0.0.1:0" },
      stdio: ["ignore", log, log],
    });
  }

  /** Runs a command on the suite's data directory; gives what it prints. */
  run(...args: string[]): string {
    return execFileSync(BINARY, [...args, ...this.data()], { cwd: this.directory, encoding: "utf8" });
  }

  /** A link that signs in once. */
  link(): string {
    return this.run("console").trim();
  }

  /** The console's origin. */
  origin(): string {
    return new URL(this.link()).origin;
  }

  async ready(): Promise<void> {
    await expect(async () => {
      if (this.process.exitCode !== null) throw new Error(`septet has ended:\n${this.log()}`);
      const link = this.run("console");
      expect(link).toContain("/sign-in?code=");
    }).toPass({ timeout: 30_000 });
  }

  /** Publishes a record that review cannot take; gives the id of the dead letter that it becomes. */
  async malformed(field: string): Promise<string> {
    const value = JSON.stringify({ repository: "shop", [field]: "" });
    this.run("events", "publish", "review.diff.ingest.v1", "--key", "shop", "--value", value);
    let id = "";
    await expect(() => {
      const letters = this.run("dlq", "list", "--json").split("\n").filter(Boolean).map((line) => JSON.parse(line));
      id = letters.find((letter) => letter.error.includes(field))?.id ?? "";
      expect(id).not.toBe("");
    }).toPass({ timeout: 20_000 });
    return id;
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null) throw new Error(`septet had ended:\n${this.log()}`);
    const ended = new Promise((done) => this.process.once("exit", done));
    this.process.kill("SIGTERM");
    expect(await ended, this.log()).toBe(0);
  }

  private data(): string[] {
    return ["--data", join(this.directory, "data")];
  }

  private log(): string {
    return readFileSync(join(this.directory, "up.log"), "utf8");
  }
}

type Fixtures = { console: Page; quiet: void };
type WorkerFixtures = { suite: Suite };

export const test = base.extend<Fixtures, WorkerFixtures>({
  suite: [
    async ({}, use) => {
      const suite = new Suite();
      await suite.ready();
      await use(suite);
      await suite.stop();
    },
    { scope: "worker", timeout: 60_000 },
  ],
  /** A page that is signed in, on all changes. */
  console: async ({ page, suite }, use) => {
    await page.goto(suite.link());
    await expect(page.getByRole("heading", { name: "Changes" })).toBeVisible();
    await use(page);
  },
  /** No page of any test breaks its content security policy or has a script that fails. */
  quiet: [
    async ({ context }, use) => {
      const heard: string[] = [];
      context.on("weberror", (error) => heard.push(error.error().message));
      context.on("console", (message) => {
        // A browser reports the answers that tests ask for, such as 401, as well.
        if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) heard.push(message.text());
      });
      await use();
      expect(heard).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };
