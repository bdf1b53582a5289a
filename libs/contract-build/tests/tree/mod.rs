//! A proto tree in a temporary folder, with the real option definitions.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The repository's own contracts.
pub fn real() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto")
}

pub struct Tree(TempDir);

impl Tree {
    /// A tree in which the service `shop` consists of these files.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let tree = Self(TempDir::new().unwrap());
        let common = tree.0.path().join("septet/common/v1");
        fs::create_dir_all(&common).unwrap();
        fs::copy(real().join("septet/common/v1/options.proto"), common.join("options.proto")).unwrap();
        let shop = tree.0.path().join("septet/shop/v1");
        fs::create_dir_all(&shop).unwrap();
        for (name, body) in files {
            let header =
                "syntax = \"proto3\";\npackage septet.shop.v1;\nimport \"septet/common/v1/options.proto\";\n";
            fs::write(shop.join(name), format!("{header}{body}")).unwrap();
        }
        tree
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }
}
