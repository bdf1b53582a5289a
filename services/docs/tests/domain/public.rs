//! What is public, language by language.

use septet_docs::{api::Visibility, coverage};

use crate::bench::{api, public};

const CARGO: (&str, &str) = ("Cargo.toml", "[package]\nname = \"the-shop\"\n");

#[test]
fn rust_is_public_by_reachability() {
    let tree = [
        CARGO,
        (
            "src/lib.rs",
            "//! A shop.\nmod cart;\npub mod price;\nmod hidden;\npub use cart::Cart;\npub use hidden::*;\n\
             pub(crate) fn inner() {}\n#[doc(hidden)] pub fn secret() {}\n#[cfg(test)] pub mod tests { pub fn a() {} }\n\
             pub use serde::Serialize;\n#[macro_export] macro_rules! sell { () => {} }\n",
        ),
        (
            "src/cart.rs",
            "/// A cart.\npub struct Cart { pub items: u8, total: u64 }\nimpl Cart {\n  /// Adds.\n  pub fn add(&mut self, item: u8) {}\n  \
             fn sum(&self) {}\n}\npub fn unreachable() {}\nimpl Clone for Cart { fn clone(&self) -> Self { todo!() } }",
        ),
        (
            "src/price/mod.rs",
            "pub mod tax;\n#[path = \"../odd.rs\"] pub mod odd;\npub(super) struct Inner;\npub trait Priced { const NAME: &'static str; fn price(&self) -> u64; fn twice(&self) -> u64 { 2 } }",
        ),
        (
            "src/price/tax.rs",
            "pub enum Tax { None, Rate { percent: u8 }, Fixed(u64) }\nimpl super::super::Cart { pub fn tax(&self) {} }",
        ),
        (
            "src/odd.rs",
            "pub type Odd = u8; pub const ONE: Odd = 1; pub static S: u8 = 1; pub union U { pub a: u8 }",
        ),
        (
            "src/hidden.rs",
            "pub fn shown() {}\npub use crate::price::tax::Tax::*;\nfn hidden() {}\npub mod deep { pub fn far() {} }",
        ),
        ("src/main.rs", "pub fn main() {}"),
    ];
    assert_eq!(
        public(&tree),
        [
            "module the_shop",
            "struct the_shop::Cart",
            "method the_shop::Cart::add",
            "field the_shop::Cart::items",
            "method the_shop::Cart::tax",
            "alias the_shop::Fixed",
            "alias the_shop::None",
            "alias the_shop::Rate",
            "alias the_shop::Serialize",
            "module the_shop::deep",
            "function the_shop::deep::far",
            "module the_shop::price",
            "trait the_shop::price::Priced",
            "constant the_shop::price::Priced::NAME",
            "method the_shop::price::Priced::price",
            "method the_shop::price::Priced::twice",
            "module the_shop::price::odd",
            "constant the_shop::price::odd::ONE",
            "type the_shop::price::odd::Odd",
            "static the_shop::price::odd::S",
            "union the_shop::price::odd::U",
            "field the_shop::price::odd::U::a",
            "module the_shop::price::tax",
            "enum the_shop::price::tax::Tax",
            "variant the_shop::price::tax::Tax::Fixed",
            "variant the_shop::price::tax::Tax::None",
            "variant the_shop::price::tax::Tax::Rate",
            "field the_shop::price::tax::Tax::Rate::percent",
            "macro the_shop::sell",
            "function the_shop::shown",
        ]
    );
    let api = api(&tree);
    let add = api.symbols.iter().find(|symbol| symbol.path == "the_shop::Cart::add").unwrap();
    assert_eq!(add.signature.text, "fn add(&mut self, item: u8)");
    assert_eq!(
        (add.docs.as_str(), add.file.as_str(), add.line, add.end_line),
        ("Adds.", "src/cart.rs", 4, 5)
    );
    let private = api.symbols.iter().find(|symbol| symbol.path == "the_shop::cart::unreachable").unwrap();
    assert_eq!(private.visibility, Visibility::Private);
}

#[test]
fn a_crate_of_binaries_has_no_api() {
    assert!(public(&[CARGO, ("src/main.rs", "pub fn main() {}\npub mod a { pub fn b() {} }")]).is_empty());
    let named = ("Cargo.toml", "[package]\nname = \"a\"\n[lib]\nname = \"b\"\npath = \"lib.rs\"\n");
    assert_eq!(public(&[named, ("lib.rs", "pub fn f() {}")]), ["module b", "function b::f"]);
}

#[test]
fn python_is_public_by_names_and_all() {
    let tree = [
        (
            "src/shop/__init__.py",
            "'''A shop.'''\nfrom ._core import Cart\nfrom .prices import price as price\nimport os\n__version__ = '1'\n",
        ),
        (
            "src/shop/_core.py",
            "class Cart:\n  '''A cart.'''\n  size: int = 0\n  def __init__(self, *, owner=None):\n    self.owner = owner\n    self._secret = 1\n  \
             def add(self, item: 'Item', /, count: int = 1, *rest, gift: bool = False, **more) -> None: ...\n  \
             @property\n  def total(self) -> int: ...\n  @total.setter\n  def total(self, value): ...\n  \
             @staticmethod\n  def make(): ...\n  def _inner(self): ...\n\ndef helper(): ...\n",
        ),
        (
            "src/shop/prices.py",
            "from typing import Any\n__all__ = ['price', 'RATE']\n__all__ += ['extra']\nRATE = 1\nOTHER = 2\ndef price(): ...\ndef extra(): ...\ndef other(): ...\n",
        ),
        ("tests/__init__.py", ""),
        ("tests/test_a.py", "def test_a(): ...\n"),
        ("scripts/run.py", "def run(): ...\n"),
    ];
    assert_eq!(
        public(&tree),
        [
            "module shop",
            "class shop.Cart",
            "method shop.Cart.__init__",
            "method shop.Cart.add",
            "method shop.Cart.make",
            "attribute shop.Cart.owner",
            "attribute shop.Cart.size",
            "property shop.Cart.total",
            "attribute shop.__version__",
            "alias shop.price",
            "module shop.prices",
            "attribute shop.prices.RATE",
            "function shop.prices.extra",
            "function shop.prices.price",
        ]
    );
    let api = api(&tree);
    let add = api.symbols.iter().find(|symbol| symbol.path == "shop.Cart.add").unwrap();
    assert_eq!(
        add.signature.text,
        "def add(self, item: 'Item', /, count: int = 1, *rest, gift: bool = False, **more) -> None"
    );
    let coverage = coverage::of(&api);
    assert_eq!((coverage.total.symbols, coverage.total.documented), (11, 2));
}

#[test]
fn typescript_is_public_by_exports() {
    let tree = [
        ("package.json", r#"{"name": "@shop/cart", "main": "dist/index.js", "types": "./dist/index.d.ts"}"#),
        (
            "src/index.ts",
            "export * from './cart.js';\nexport { price as cost } from './price';\nexport * as prices from './price';\n\
             import type { Kind } from './kind';\nexport { Kind };\nexport default function main(): void {}\nfunction inner() {}\n",
        ),
        (
            "src/cart.ts",
            "/** A cart. */\nexport class Cart<T> extends Base<T> {\n  /** Items. */\n  items: T[] = [];\n  private secret = 1;\n  #hidden = 2;\n  \
             protected size?: number;\n  constructor(private a: number, readonly b: string) { super(); }\n  \
             async add(item: T, count = 1, ...rest: T[]): Promise<void> {}\n  get total(): number { return 1; }\n}\nexport const make = (n?: number): Cart<number> => null!;\n\
             export function pick(a: string): string;\nexport function pick(a: number): number;\nexport function pick(a: any): any {}\n",
        ),
        (
            "src/price.ts",
            "export const price: number = 1, tax = 2;\nexport namespace Inner { export const a = 1; const b = 2; }\n",
        ),
        ("src/kind.d.ts", "export declare enum Kind { A = 1, B }\n"),
        ("src/unused.ts", "export const unused = 1;\n"),
    ];
    assert_eq!(
        public(&tree),
        [
            "module @shop/cart",
            "class @shop/cart:Cart",
            "method @shop/cart:Cart.add",
            "property @shop/cart:Cart.b",
            "method @shop/cart:Cart.constructor",
            "property @shop/cart:Cart.items",
            "property @shop/cart:Cart.size",
            "property @shop/cart:Cart.total",
            "enum @shop/cart:Kind",
            "variant @shop/cart:Kind.A",
            "variant @shop/cart:Kind.B",
            "constant @shop/cart:cost",
            "function @shop/cart:default",
            "function @shop/cart:make",
            "function @shop/cart:pick",
            "alias @shop/cart:prices",
        ]
    );
    let api = api(&tree);
    let add = api.symbols.iter().find(|symbol| symbol.path == "@shop/cart:Cart.add").unwrap();
    assert_eq!(add.signature.text, "add(item: T, count = 1, ...rest: T[]): Promise<void>");
    let pick = api.symbols.iter().find(|symbol| symbol.path == "@shop/cart:pick").unwrap();
    assert_eq!(pick.signature.text, "function pick(a: string): string; function pick(a: number): number");
    let cart = api.symbols.iter().find(|symbol| symbol.path == "@shop/cart:Cart").unwrap();
    assert_eq!(cart.docs, "A cart.");
}

#[test]
fn scripts_without_entries_export_by_module_and_private_packages_nothing() {
    let common = (
        "lib/a.js",
        "function f(a, b = 1) {}\nmodule.exports = { f, g: (x) => x };\nmodule.exports.h = class {};\n",
    );
    assert_eq!(
        public(&[("package.json", r#"{"name": "a"}"#), common]),
        ["module a/lib/a", "function a/lib/a:f", "function a/lib/a:g", "class a/lib/a:h"]
    );
    assert!(public(&[("package.json", r#"{"name": "a", "private": true}"#), common]).is_empty());
}
