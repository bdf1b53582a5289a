// Changes and what the services say of them.
import { HOSTILE } from "../history.js";
import { expect, test } from "../suite.js";

test("changes are listed newest first with what each service says", async ({ console }) => {
  const rows = console.locator("#rows > tr");
  await expect(rows).toHaveCount(3);
  await expect(rows.first()).toContainText("Release from a script");
  const secret = rows.filter({ hasText: "Release from a script" });
  await expect(secret.getByRole("cell").nth(1)).toContainText("failed");
  await expect(secret).toContainText("blocked");
});

test("rows fill while the page is open", async ({ console, suite }) => {
  await expect(console.locator("#live")).toHaveText("Live");
  await console.evaluate(() => document.documentElement.setAttribute("data-same", "page"));
  const subject = `Add a list of prices ${Date.now()}`;
  suite.history.commit(subject, { "shop/prices.py": "PRICES = [3, 4]\n" });
  const row = console.locator("#rows > tr").filter({ hasText: subject });
  await expect(row).toBeVisible();
  await expect(row.getByRole("cell").nth(1)).toContainText("passed");
  await expect(console.locator("#rows > tr").first()).toContainText(subject);
  expect(await console.evaluate(() => document.documentElement.getAttribute("data-same"))).toBe("page");
});

test("a change has a page with every service's word, and no secret", async ({ console }) => {
  await console.getByRole("link", { name: "Release from a script" }).click();
  await expect(console.getByRole("heading", { level: 1 })).toHaveText("Release from a script");
  for (const name of ["Release", "Journey", "Review", "Docs", "Cost", "Security", "Experiments", "Runs", "Files"]) {
    await expect(console.getByRole("region", { name })).toBeVisible();
  }
  const review = console.getByRole("region", { name: "Review" });
  await expect(review).toContainText("ci/release.sh:2");
  await expect(review).toContainText("[redacted]");
  await expect(console.getByRole("region", { name: "Journey" })).toContainText("ReviewCompleted");
  await expect(console.locator("body")).not.toContainText("ghp_");
});

test("what a repository says is text and nothing else", async ({ console }) => {
  const link = console.getByRole("link", { name: HOSTILE });
  await expect(link).toHaveText(HOSTILE);
  await link.click();
  await expect(console.getByRole("heading", { level: 1 })).toHaveText(HOSTILE);
  expect(await console.title()).toContain("<img");
  await expect(console.locator("main img, main b:has-text('names')")).toHaveCount(0);
});

test("a change that is not there is said to be so", async ({ console, suite }) => {
  const response = await console.goto(`${suite.origin()}/changes/no-such-change`);
  expect(response?.status()).toBe(404);
  await expect(console.getByRole("heading", { name: "Not found" })).toBeVisible();
});
