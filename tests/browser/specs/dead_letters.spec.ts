// What services could not take, and what an operator does about it.
import { expect, test } from "../suite.js";

test("a dead letter is redriven in place, and comes back as a new one", async ({ console, suite }) => {
  const id = await suite.malformed("again");
  await console.getByRole("link", { name: "Dead letters" }).click();
  await console.locator(`a[href="/dead-letters/${id}"]`).click();
  const letter = console.locator("#letter");
  await expect(letter).toContainText("invalid payload");
  await expect(letter).toContainText('"again"');
  await console.evaluate(() => document.documentElement.setAttribute("data-same", "page"));
  await letter.getByRole("button", { name: "Redrive", exact: true }).click();
  await expect(letter).toContainText("redriven by console");
  expect(await console.evaluate(() => document.documentElement.getAttribute("data-same"))).toBe("page");
  await expect(() => {
    const open = suite.run("dlq", "list", "--json").split("\n").filter((line) => line.includes("again"));
    expect(open).toHaveLength(1);
    expect(JSON.parse(open[0]).id).not.toBe(id);
  }).toPass();
});

test("a value is mended and handled", async ({ console, suite }) => {
  const id = await suite.malformed("dif");
  const reviews = () => suite.run("call", "review.ListReviews", '{"verdict":"VERDICT_PASSED"}').match(/"shop-mended"/g);
  await console.goto(`${suite.origin()}/dead-letters/${id}`);
  await console.getByText("Mend the value and redrive").click();
  const diff = "--- a/a.txt\n+++ b/a.txt\n@@ -0,0 +1 @@\n+fine\n";
  await console.getByLabel("The value to send instead").fill(JSON.stringify({ repository: "shop-mended", diff }, null, 2));
  await console.getByRole("button", { name: "Redrive with this value" }).click();
  await expect(console.locator("#letter")).toContainText("redriven by console");
  await expect(() => expect(reviews()).toHaveLength(1)).toPass();
});

test("a dead letter is given up", async ({ console, suite }) => {
  const id = await suite.malformed("gone");
  await console.goto(`${suite.origin()}/dead-letters/${id}`);
  await console.getByRole("button", { name: "Discard" }).click();
  await expect(console.locator("#letter")).toContainText("discarded by console");
  await expect(console.getByRole("button", { name: "Discard" })).toHaveCount(0);
  await console.goto(`${suite.origin()}/dead-letters`);
  await expect(console.locator(`a[href="/dead-letters/${id}"]`)).toHaveCount(0);
  await console.getByRole("link", { name: "discarded" }).click();
  await expect(console.locator(`a[href="/dead-letters/${id}"]`)).toBeVisible();
});
