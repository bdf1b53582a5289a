//! What breaks and what does not.

use septet_docs::{
    api::Language::{self, Python, Rust, TypeScript},
    compare::Change,
};

use crate::bench::between;

/// From a text to another: what happened to the one symbol, whether it breaks, and a word of the reason.
const CASES: &[(Language, &str, &str, Change, bool, &str)] = &[
    (Rust, "pub fn a() {}", "", Change::Removed, true, "removed"),
    (Rust, "", "pub fn a() {}", Change::Added, false, "new"),
    (Rust, "pub fn a() {}", "fn a() {}", Change::Hidden, true, "not public"),
    (Rust, "pub fn a(x: u8) {}", "pub fn a(x: u8, y: u8) {}", Change::Changed, true, "2 parameters"),
    (Rust, "pub fn a(x: u8) {}", "pub fn a(y: u8) {}", Change::Changed, false, "names"),
    (Rust, "pub fn a(x: u8) {}", "pub fn a(x: u16) {}", Change::Changed, true, "`u16`"),
    (Rust, "pub fn a() -> u8 { 1 }", "pub fn a() -> u16 { 1 }", Change::Changed, true, "returns"),
    (Rust, "pub fn a() {}", "pub async fn a() {}", Change::Changed, true, "async"),
    (Rust, "pub fn a() {}", "pub const fn a() {}", Change::Changed, false, "const"),
    (Rust, "pub fn a<T>() {}", "pub fn a<T: Copy>() {}", Change::Changed, true, "generic"),
    (Rust, "pub trait A {}", "pub trait A { fn b(&self); }", Change::Added, true, "required method"),
    (Rust, "pub trait A {}", "pub trait A { fn b(&self) {} }", Change::Added, false, "new"),
    (
        Rust,
        "pub trait A { fn b(&self) {} }",
        "pub trait A { fn b(&self); }",
        Change::Changed,
        true,
        "provided",
    ),
    (Rust, "pub enum A { B, C }", "pub enum A { B }", Change::Removed, true, "variant"),
    (Rust, "pub enum A { B }", "pub enum A { B, C }", Change::Added, true, "non_exhaustive"),
    (
        Rust,
        "#[non_exhaustive] pub enum A { B }",
        "#[non_exhaustive] pub enum A { B, C }",
        Change::Added,
        false,
        "new",
    ),
    (Rust, "pub enum A { B }", "#[non_exhaustive] pub enum A { B }", Change::Changed, true, "non_exhaustive"),
    (Rust, "pub enum A { B(u8) }", "pub enum A { B(u16) }", Change::Changed, true, "B(u16)"),
    (
        Rust,
        "pub struct A { pub b: u8, c: u8 }",
        "pub struct A { pub b: u8, c: u8, pub d: u8 }",
        Change::Added,
        false,
        "new",
    ),
    (Rust, "pub struct A(pub u8);", "pub struct A(pub u16);", Change::Changed, true, "u16"),
    (Rust, "pub type A = u8;", "pub type A = u16;", Change::Changed, true, "u16"),
    (
        Rust,
        "pub fn apple(x: u8, y: &str) {}",
        "pub fn pear(x: u8, y: &str) {}",
        Change::Renamed,
        true,
        "pear",
    ),
    (Python, "def a(): ...", "", Change::Removed, true, "removed"),
    (Python, "def a(): ...", "__all__ = ['b']\ndef a(): ...\n", Change::Hidden, true, "not public"),
    (Python, "def a(x): ...", "def a(x, y): ...", Change::Changed, true, "new required parameter `y`"),
    (Python, "def a(x): ...", "def a(x, y=1): ...", Change::Changed, false, "optional"),
    (Python, "def a(x): ...", "def a(x, *, y): ...", Change::Changed, true, "`y`"),
    (Python, "def a(x): ...", "def a(y): ...", Change::Changed, true, "renamed to `y`"),
    (Python, "def a(x, y): ...", "def a(y, x): ...", Change::Changed, true, "order"),
    (Python, "def a(x, y): ...", "def a(x): ...", Change::Changed, true, "`y` was removed"),
    (Python, "def a(x, y): ...", "def a(x, **more): ...", Change::Changed, true, "`y`"),
    (Python, "def a(x): ...", "def a(x, /): ...", Change::Changed, true, "place only"),
    (Python, "def a(x): ...", "def a(*, x): ...", Change::Changed, true, "name only"),
    (Python, "def a(x=1): ...", "def a(x): ...", Change::Changed, true, "required now"),
    (Python, "def a(x): ...", "def a(x=1): ...", Change::Changed, false, "left out"),
    (Python, "def a() -> int: ...", "def a() -> str: ...", Change::Changed, true, "returns `str`"),
    (Python, "def a(x): ...", "def a(x: int): ...", Change::Changed, false, "int"),
    (Python, "def a(): ...", "async def a(): ...", Change::Changed, true, "awaited"),
    (Python, "class A(B, C): ...", "class A(B): ...", Change::Changed, true, "`C`"),
    (
        Python,
        "class A:\n  def b(self): ...",
        "class A:\n  @staticmethod\n  def b(): ...",
        Change::Changed,
        true,
        "decorators",
    ),
    (
        Python,
        "class A:\n  def b(self, x): ...",
        "class A:\n  def _b(self, x): ...",
        Change::Removed,
        true,
        "method",
    ),
    (TypeScript, "export function a() {}", "", Change::Removed, true, "removed"),
    (TypeScript, "export function a() {}", "function a() {}", Change::Hidden, true, "not public"),
    (
        TypeScript,
        "export function a(x: string) {}",
        "export function a(x: string, y: number) {}",
        Change::Changed,
        true,
        "`y`",
    ),
    (
        TypeScript,
        "export function a(x: string) {}",
        "export function a(x: string, y?: number) {}",
        Change::Changed,
        false,
        "optional",
    ),
    (
        TypeScript,
        "export function a(x: string) {}",
        "export function a(y: string) {}",
        Change::Changed,
        false,
        "callers",
    ),
    (
        TypeScript,
        "export function a(): string {}",
        "export function a(): number {}",
        Change::Changed,
        true,
        "returns",
    ),
    (
        TypeScript,
        "export interface A { b: string }",
        "export interface A { b: string; c: number }",
        Change::Added,
        true,
        "required property",
    ),
    (
        TypeScript,
        "export interface A { b: string }",
        "export interface A { b: string; c?: number }",
        Change::Added,
        false,
        "new",
    ),
    (
        TypeScript,
        "export interface A { b: string }",
        "export interface A { b?: string }",
        Change::Changed,
        true,
        "absent",
    ),
    (
        TypeScript,
        "export interface A { b: string }",
        "export interface A { readonly b: string }",
        Change::Changed,
        true,
        "assigned",
    ),
    (TypeScript, "export enum A { B, C }", "export enum A { B }", Change::Removed, true, "variant"),
    (TypeScript, "export type A = 'x'", "export type A = 'y'", Change::Changed, true, "'y'"),
    (
        TypeScript,
        "export class A { b() {} }",
        "export class A { private b() {} }",
        Change::Hidden,
        true,
        "not public",
    ),
    (TypeScript, "export class A {}", "export class A { static b() {} }", Change::Added, false, "new"),
    (
        TypeScript,
        "export const a: string = ''",
        "export const a: number = 1",
        Change::Changed,
        true,
        "number",
    ),
];

#[test]
fn each_rule_tells_what_breaks() {
    let mut wrong = Vec::new();
    for (language, base, head, change, breaking, word) in CASES {
        // Something else stands beside it, so that the module itself stays.
        let keep = match language {
            Rust => "pub fn kept() {}\n",
            Python => "def kept(): ...\n",
            TypeScript => "export function kept() {}\n",
        };
        let found = between(*language, &format!("{keep}{base}"), &format!("{keep}{head}"));
        let found: Vec<_> = found
            .iter()
            .filter(|of| !of.symbol().path.ends_with("kept") && !of.symbol().path.ends_with("__all__"))
            .collect();
        let ok = matches!(found.as_slice(), [of] if of.change == *change && of.breaking == *breaking && of.reason.contains(word));
        if !ok {
            let found: Vec<_> =
                found.iter().map(|of| (of.change, of.breaking, &of.reason, &of.symbol().path)).collect();
            wrong.push(format!(
                "{base:?} -> {head:?}: wanted {change:?} {breaking} {word:?}, found {found:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
}

#[test]
fn spaces_comments_and_order_are_no_difference() {
    for (language, base, head) in [
        (
            Rust,
            "pub fn a(x: u8, y: &str) -> u8 { 1 }\npub fn b() {}",
            "pub fn b() {}\n/// Docs.\npub fn a(\n    x: u8, // first\n    y: &str,\n) -> u8 { 2 }",
        ),
        (
            Python,
            "def a(x: int = 1, *y): ...\ndef b(): ...",
            "def b(): ...\ndef a(\n    x: int=1,  # first\n    *y,\n):\n    '''Docs.'''\n",
        ),
        (
            TypeScript,
            "export function a(x: string, y = 1): void {}\nexport const b = 1",
            "export const b = 1;\n/** Docs. */\nexport function a(\n  x: string, // first\n  y = 1,\n): void {}",
        ),
    ] {
        let found = between(language, base, head);
        assert!(found.is_empty(), "{language:?}: {found:#?}");
    }
}
