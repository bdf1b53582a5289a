// The console without a mouse.
import { expect, test } from "../suite.js";

test("the keyboard reaches everything in order, and shows where it is", async ({ console }) => {
  const press = (key: string) => console.keyboard.press(key);
  const focused = console.locator(":focus");
  await press("Tab");
  await expect(focused).toHaveText("Skip to the content");
  await expect(focused).toBeInViewport();
  for (const name of [/Septet/, "Changes", "Dead letters", "Sign out"]) {
    await press("Tab");
    await expect(focused).toHaveText(name);
    const outline = await focused.evaluate((element) => getComputedStyle(element).outlineStyle);
    expect(outline, String(name)).toBe("solid");
  }
  await press("Tab");
  await expect(focused).toHaveAttribute("href", /^\/changes\//);
  const subject = await focused.textContent();
  await press("Enter");
  await expect(console.getByRole("heading", { level: 1 })).toHaveText(subject ?? "");
});

test("the focus stays where it is when its row changes", async ({ console, suite }) => {
  const subject = `Watch the focus ${Date.now()}`;
  suite.history.commit(subject, { "shop/focus.py": "FOCUS = 1\n" });
  const row = console.locator("#rows > tr").filter({ hasText: subject });
  await row.getByRole("link").focus();
  await expect(row.getByRole("cell").nth(1)).toContainText("passed");
  await expect(row.getByRole("link")).toBeFocused();
});
