// How the console looks: screenshots to look at, and what can be measured.
import { join } from "node:path";
import { expect, KEPT, test } from "../suite.js";

for (const colorScheme of ["light", "dark"] as const) {
  for (const [name, width] of [["wide", 1280], ["narrow", 390]] as const) {
    test(`${colorScheme} and ${name}`, async ({ browser, suite }) => {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 }, reducedMotion: "reduce" });
      const page = await context.newPage();
      const look = async (what: string) => {
        // Nothing is cut off or has to be scrolled to sideways.
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect(overflow, what).toBe(0);
        await page.screenshot({ path: join(KEPT, `${what}-${colorScheme}-${name}.png`), fullPage: true });
      };
      await page.goto(suite.origin());
      await look("sign-in");
      await page.goto(suite.link());
      await expect(page.locator("#live")).toHaveText("Live");
      await look("changes");
      await page.getByRole("link", { name: "Release from a script" }).click();
      await expect(page.getByRole("region", { name: "Review" })).toContainText("[redacted]");
      await look("change");
      const id = await suite.malformed(`look-${colorScheme}-${name}`);
      await page.goto(`${suite.origin()}/dead-letters`);
      await look("dead-letters");
      await page.goto(`${suite.origin()}/dead-letters/${id}`);
      await look("dead-letter");
      const background = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      const brightness = Math.max(...(background.match(/\d+/g) ?? []).slice(0, 3).map(Number));
      expect(brightness > 128).toBe(colorScheme === "light");
      await context.close();
    });
  }
}
