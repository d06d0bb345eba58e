//! Compresses the database that the program carries: it is read once at start, and a third of the image otherwise.

use std::error::Error;
use std::fs::{self, File};
use std::path::Path;
use std::{env, io};

use flate2::Compression;
use flate2::write::ZlibEncoder;

const DATABASE: &str = "geoip/world.mmdb";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={DATABASE}");
    println!("cargo::rerun-if-changed=build.rs");
    let output = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    let bytes = fs::read(DATABASE).map_err(|error| format!("{DATABASE}: {error}"))?;
    let mut encoder =
        ZlibEncoder::new(File::create(Path::new(&output).join("world.mmdb.zlib"))?, Compression::default());
    io::copy(&mut bytes.as_slice(), &mut encoder)?;
    encoder.finish()?.sync_all()?;
    Ok(())
}
