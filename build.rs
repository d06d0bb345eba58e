//! Compresses the database that the program carries: it is read once at start, and a third of the image otherwise.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use lzma_rust2::{LzmaOptions, LzmaWriter};

const DATABASE: &str = "geoip/world.mmdb";

/// Beyond it, the compression takes longer and gains nothing.
const LEVEL: u32 = 6;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={DATABASE}");
    println!("cargo::rerun-if-changed=build.rs");
    let output = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    let bytes = fs::read(DATABASE).map_err(|error| format!("{DATABASE}: {error}"))?;
    let file = File::create(Path::new(&output).join("world.mmdb.lzma"))?;
    let options = LzmaOptions::with_preset(LEVEL);
    let mut writer = LzmaWriter::new_use_header(file, &options, Some(bytes.len() as u64))?;
    writer.write_all(&bytes)?;
    writer.finish()?.sync_all()?;
    Ok(())
}
