//! Compiles the contract; see `septet-contract-build`.

fn main() {
    septet_contract_build::compile("docs");
}
