//! The folder that a server runs on: `tests/it/zones`, copied for one test, and edited as operators do.

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use ring::digest;
use serde_json::Value;
use tempfile::TempDir;

/// A folder with `zones/`, and beside it whatever the server keeps.
pub struct Home(TempDir);

impl Home {
    /// Copies the configuration, with the port at which its canaries poll.
    pub fn new(canary_port: u16) -> Self {
        let home = Self(tempfile::tempdir().expect("a temporary directory"));
        fs::create_dir(home.zones()).unwrap();
        for file in fs::read_dir("tests/it/zones").expect("tests run in the package's directory") {
            let file = file.unwrap();
            fs::copy(file.path(), home.zones().join(file.file_name())).unwrap();
        }
        home.edit("regions.yaml", "}:8080/", &format!("}}:{canary_port}/"));
        home
    }

    /// Returns the path of something in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Returns the configuration directory.
    pub fn zones(&self) -> PathBuf {
        self.path("zones")
    }

    /// Replaces a part of a configuration file, which must be there.
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.zones().join(file)).unwrap();
        assert!(text.contains(from), "`{from}` is not in {file}:\n{text}");
        self.write(file, &text.replace(from, to));
    }

    /// Puts a configuration file in its place as careful editors do.
    pub fn write(&self, file: &str, text: &str) {
        replace(&self.zones().join(file), text.as_bytes());
    }

    /// Returns what a file of the state directory says.
    pub fn saved(&self, file: &str) -> Value {
        let text = fs::read_to_string(self.path("state").join(file)).expect("it is there");
        serde_json::from_str::<Value>(&text).expect("JSON")["saved"].take()
    }

    /// Makes a file of the state directory say something else, as if the server had written that.
    pub fn edit_saved(&self, file: &str, edit: impl FnOnce(&mut Value)) {
        let mut saved = self.saved(file);
        edit(&mut saved);
        let sha256 = digest::digest(&digest::SHA256, format!("1\n{saved}").as_bytes());
        let sha256 = HEXLOWER.encode(sha256.as_ref());
        let text = format!("{{\"version\":1,\"sha256\":\"{sha256}\",\"saved\":{saved}}}");
        fs::write(self.path("state").join(file), text).expect("it is writable");
    }

    /// Makes the server locate clients by a database as well.
    pub fn use_database(&self, path: &Path) {
        let geo = format!("geo:\n  database: {}\n", path.display());
        self.edit("server.yaml", "geo:\n", &geo);
    }
}

/// Writes a file beside its place and renames it into it.
pub fn replace(path: &Path, content: &[u8]) {
    let beside = path.with_extension("new");
    fs::write(&beside, content).unwrap();
    fs::rename(beside, path).unwrap();
}
