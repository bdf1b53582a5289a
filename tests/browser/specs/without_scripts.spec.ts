// Everything but what is live works where no script runs.
import { expect, test } from "../suite.js";

test.use({ javaScriptEnabled: false });

test("changes and their pages are whole", async ({ console }) => {
  await expect(console.locator("#rows > tr").filter({ hasText: "Begin the shop" })).toContainText("passed");
  await console.getByRole("link", { name: "Release from a script" }).click();
  await expect(console.getByRole("region", { name: "Review" })).toContainText("ci/release.sh:2");
});

test("a dead letter is redriven and given up by plain forms", async ({ console, suite }) => {
  for (const [field, button, word] of [["plain", "Redrive", "redriven"], ["simple", "Discard", "discarded"]]) {
    const id = await suite.malformed(field);
    await console.goto(`${suite.origin()}/dead-letters/${id}`);
    await console.getByRole("button", { name: button, exact: true }).click();
    await expect(console).toHaveURL(`${suite.origin()}/dead-letters/${id}`);
    await expect(console.locator("#letter")).toContainText(`${word} by console`);
  }
});
