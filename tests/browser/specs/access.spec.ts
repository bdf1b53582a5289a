// Who may see the console, and whose requests it takes.
import { request as send } from "node:http";
import { expect, test } from "../suite.js";

test("nobody sees anything without signing in", async ({ page, suite }) => {
  for (const path of ["/", "/dead-letters", "/changes/any", "/live/changes"]) {
    const response = await page.goto(suite.origin() + path);
    expect(response?.status(), path).toBe(401);
    await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
    await expect(page.locator("body")).not.toContainText("Begin the shop");
  }
});

test("a link signs in once, and the session is out of reach of scripts and other sites", async ({ browser, suite }) => {
  const link = suite.link();
  const first = await browser.newContext();
  const page = await first.newPage();
  await page.goto(link);
  await expect(page.getByRole("heading", { name: "Changes" })).toBeVisible();
  expect(page.url()).toBe(`${suite.origin()}/`);
  const [cookie] = await first.cookies();
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict", path: "/" });
  expect(await page.evaluate(() => document.cookie)).toBe("");
  // For whoever signed in with it, it still leads to the console.
  await page.goto(link);
  await expect(page.getByRole("heading", { name: "Changes" })).toBeVisible();

  const second = await browser.newContext();
  const other = await second.newPage();
  await other.goto(link);
  await expect(other.getByRole("alert")).toContainText("has been used");
  await first.close();
  await second.close();
});

test("a link can be pasted, and signing out ends the session", async ({ page, context, suite }) => {
  await page.goto(suite.origin());
  await page.getByLabel("Link or code").fill("nonsense");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await page.getByLabel("Link or code").fill(suite.link());
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "Changes" })).toBeVisible();
  const kept = await context.cookies();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  // Not only the browser has forgotten it.
  await context.addCookies(kept);
  await page.goto(suite.origin());
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
});

test("a name that is not ours is refused, and so is a change that another page asks for", async ({ console, context, suite }) => {
  const id = await suite.malformed("foreign");
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  const ask = (path: string, method: string, headers: Record<string, string>) =>
    new Promise<number | undefined>((done, failed) => {
      const request = send(suite.origin() + path, { method, headers: { cookie, ...headers } }, (response) => {
        response.resume();
        done(response.statusCode);
      });
      request.on("error", failed).end();
    });
  expect(await ask("/", "GET", {})).toBe(200);
  expect(await ask("/", "GET", { host: "rebound.example:8080" })).toBe(421);
  const redrive = `/dead-letters/${id}/redrive`;
  expect(await ask(redrive, "POST", {})).toBe(403);
  expect(await ask(redrive, "POST", { origin: "http://evil.example" })).toBe(403);
  expect(await ask(redrive, "POST", { origin: suite.origin(), "sec-fetch-site": "same-site" })).toBe(403);
  await console.goto(`${suite.origin()}/dead-letters/${id}`);
  await expect(console.locator("#letter")).toContainText("open");
});

test("every answer says what a browser may do with it", async ({ console, suite }) => {
  for (const path of ["/", "/dead-letters", "/nowhere"]) {
    const response = await console.request.get(suite.origin() + path);
    const headers = response.headers();
    expect(headers["content-security-policy"], path).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    );
    expect(headers["x-content-type-options"], path).toBe("nosniff");
    expect(headers["cache-control"], path).toBe("no-store");
    expect(headers["referrer-policy"], path).toBe("same-origin");
  }
});
