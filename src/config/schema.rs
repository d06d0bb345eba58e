//! The JSON Schema (draft 2020-12) of the configuration, for editors; made from the types in `sections`.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};

use super::sections::{RegionsSpec, ServerSpec, ZoneSpec};

/// A kind of file, each with a schema of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `server.yaml`.
    Server,
    /// `regions.yaml`.
    Regions,
    /// Any other YAML file.
    Zone,
}

/// Returns the schema of one kind of file.
pub fn of(file: FileKind) -> Schema {
    match file {
        FileKind::Server => generator().into_root_schema_for::<ServerSpec>(),
        FileKind::Regions => generator().into_root_schema_for::<RegionsSpec>(),
        FileKind::Zone => generator().into_root_schema_for::<ZoneSpec>(),
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
    Server(Box<ServerSpec>),
    Regions(Box<RegionsSpec>),
    Zone(Box<ZoneSpec>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_key(file: FileKind, definition: &str, key: &str) -> serde_json::Value {
        let schema = of(file).to_value();
        schema["$defs"][definition]["properties"][key].clone()
    }

    #[test]
    fn every_setting_has_a_description() {
        for file in [FileKind::Server, FileKind::Regions, FileKind::Zone] {
            let schema = of(file).to_value();
            let definitions = schema["$defs"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, schema)| (name.as_str(), schema));
            for (name, schema) in definitions.chain([("root", &schema)]) {
                for (key, value) in schema["properties"].as_object().into_iter().flatten() {
                    let is_described = value["description"].is_string() || name == "Name";
                    assert!(is_described, "{name}.{key} has no description: {value}");
                }
            }
        }
    }

    #[test]
    fn a_required_setting_is_required_and_an_optional_one_is_not() {
        let schema = of(FileKind::Zone).to_value();
        assert_eq!(schema["required"], serde_json::json!(["zone"]));
        assert_eq!(schema["additionalProperties"], serde_json::json!(false));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    }

    #[test]
    fn a_value_has_the_form_that_its_parser_takes() {
        let port = of_key(FileKind::Regions, "TcpSpec", "port");
        assert_eq!(port["type"], "integer");
        let names = of(FileKind::Zone).to_value()["$defs"]["Name"].clone();
        assert!(names["patternProperties"].to_string().contains("|CNAME|"), "{names}");
    }
}
