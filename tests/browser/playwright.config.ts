import { defineConfig } from "@playwright/test";

const executablePath = process.env.SEPTET_CHROMIUM;
if (!executablePath || !process.env.SEPTET_BINARY) {
  throw new Error("run these tests with `cargo xtask test --browser`, which says where Chromium and septet are");
}

export default defineConfig({
  testDir: "specs",
  outputDir: "../../target/browser/failed",
  // One suite serves all tests, one after the other: they share its changes and dead letters.
  workers: 1,
  fullyParallel: false,
  forbidOnly: process.env.CI === "true",
  timeout: 60_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  use: {
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
    // Chromium's own sandbox cannot be made by root.
    launchOptions: { executablePath, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] },
  },
});
