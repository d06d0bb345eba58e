//! The JSON Schema (draft 2020-12) of the configuration, for editors; made from the types in `spec`.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};

use super::spec;

/// A kind of file, each with a schema of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// `server.yaml`.
    Server,
    /// `regions.yaml`.
    Regions,
    /// Any other YAML file.
    Zone,
}

/// Returns the schema of one kind of file.
pub fn of(file: File) -> Schema {
    match file {
        File::Server => generator().into_root_schema_for::<spec::Server>(),
        File::Regions => generator().into_root_schema_for::<spec::Regions>(),
        File::Zone => generator().into_root_schema_for::<spec::Zone>(),
    }
}

/// Returns one schema for every kind of file: a document is valid when it is one of them.
pub fn whole() -> Schema {
    generator().into_root_schema_for::<AnyFile>()
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().into_generator()
}

/// Any file of a configuration directory. `server.yaml` and `regions.yaml` are what their names say;
/// every other YAML file is a zone.
#[derive(JsonSchema)]
#[schemars(untagged, title = "Meridian configuration")]
#[expect(dead_code, reason = "only its schema is used")]
enum AnyFile {
    Server(spec::Server),
    Regions(spec::Regions),
    Zone(spec::Zone),
}
