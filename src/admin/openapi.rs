//! `/openapi.json`: every path, what it takes and what it answers, as OpenAPI 3.1 has it.
//!
//! It is made of the list that the router is made of ([`routes`](super::routes)) and of the types that are read and
//! written, so that it cannot say anything else than is the case. A path is described where it is routed:
//!
//! ```ignore
//! Operation::get("/status/{region}", "one region", get(region))
//!     .path("region", "its name", text(MAX_NAME))
//!     .answers::<status::Region>(200)
//!     .fails(&[404])
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::routing::MethodRouter;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::State;
use super::access::{AUTHOR, MAX_AUTHOR};
use super::intents::Refused;

/// The media type of sentences.
const TEXT: &str = "text/plain; charset=utf-8";

/// The media type of values.
const JSON: &str = "application/json";

/// The longest domain name as it is written: each of its 255 octets may be escaped as `\ddd`.
const MAX_NAME: usize = 1020;

/// What somebody may ask for at a path, by one method.
pub(super) struct Operation {
    /// The path, with `{name}` for what varies.
    pub path: &'static str,
    /// `GET`, which answers `HEAD` as well, `POST` or `DELETE`.
    pub method: &'static str,
    /// Who answers.
    pub handler: MethodRouter<Arc<State>>,
    /// What it is for, in a line.
    pub help: &'static str,
    needs: Needs,
    parameters: Vec<Value>,
    body: Option<SchemaOf>,
    answers: Vec<Answer>,
}

/// Makes the schema of a type.
type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What callers must be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    Reading,
    Operating,
}

/// One answer: its status, and the media type and the schema of its body, unless it is empty.
struct Answer {
    status: u16,
    body: Option<(&'static str, SchemaOf)>,
}

fn any_text(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": "string" })
}

/// Returns the schema of a text of at most this many characters, and of one at least.
pub(super) fn text(longest: usize) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": longest })
}

/// Returns the schema of a domain name as it is written: visible ASCII.
pub(super) fn name(example: &str) -> Value {
    let mut schema = self::example(MAX_NAME, example);
    schema["pattern"] = json!("^[!-~]+$");
    schema
}

/// Returns the same with something that is really asked, in the demo.
pub(super) fn example(longest: usize, example: &str) -> Value {
    let mut schema = text(longest);
    schema["examples"] = json!([example]);
    schema
}

/// Returns the schema of one of these words.
pub(super) fn word(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

impl Operation {
    /// Describes what is read at a path.
    pub fn get(path: &'static str, help: &'static str, handler: MethodRouter<Arc<State>>) -> Self {
        Self::new("GET", path, help, handler, Needs::Reading)
    }

    /// Describes what is changed by posting to a path.
    pub fn post(path: &'static str, help: &'static str, handler: MethodRouter<Arc<State>>) -> Self {
        Self::new("POST", path, help, handler, Needs::Operating).changes()
    }

    /// Describes what is ended at a path.
    pub fn delete(path: &'static str, help: &'static str, handler: MethodRouter<Arc<State>>) -> Self {
        Self::new("DELETE", path, help, handler, Needs::Operating).changes()
    }

    fn new(
        method: &'static str,
        path: &'static str,
        help: &'static str,
        handler: MethodRouter<Arc<State>>,
        needs: Needs,
    ) -> Self {
        // What is refused before anybody looks where it goes to, with nothing but a head.
        let (parameters, answers) = (Vec::new(), vec![Answer { status: 431, body: None }]);
        let operation = Self { path, method, handler, help, needs, parameters, body: None, answers };
        // What `access` refuses.
        operation.fails(&[401, 403, 429])
    }

    /// Adds what all changes have in common.
    fn changes(self) -> Self {
        let author = json!({
            "type": "string", "minLength": 1, "maxLength": MAX_AUTHOR, "pattern": "^[!-~]([ -~]*[!-~])?$",
        });
        let help = "who asks, where several people share a token";
        self.parameter("header", AUTHOR, help, author).fails(&[400]).refuses(&[400, 503])
    }

    /// Lets everybody ask.
    pub fn open(mut self) -> Self {
        self.needs = Needs::Nothing;
        self.answers.retain(|answer| answer.body.is_none());
        self
    }

    /// Describes a part of the path.
    pub fn path(self, name: &str, help: &str, schema: Value) -> Self {
        self.parameter("path", name, help, schema)
    }

    /// Describes a parameter in the URL.
    pub fn query(self, name: &str, help: &str, schema: Value) -> Self {
        self.parameter("query", name, help, schema)
    }

    /// The same of one that must be there.
    pub fn required_query(mut self, name: &str, help: &str, schema: Value) -> Self {
        self = self.parameter("query", name, help, schema);
        self.parameters.last_mut().expect("it was just added")["required"] = json!(true);
        self
    }

    /// Describes a header of the request.
    pub fn header(self, name: &str, help: &str, schema: Value) -> Self {
        self.parameter("header", name, help, schema)
    }

    fn parameter(mut self, place: &str, name: &str, help: &str, schema: Value) -> Self {
        self.parameters.push(json!({
            "in": place, "name": name, "description": help, "required": place == "path", "schema": schema,
        }));
        self
    }

    /// Describes the body of the request.
    pub fn takes<T: JsonSchema>(mut self) -> Self {
        self.body = Some(|generator| generator.subschema_for::<T>());
        self.refuses(&[413])
    }

    /// Describes an answer in JSON.
    pub fn answers<T: JsonSchema>(mut self, status: u16) -> Self {
        let schema: SchemaOf = |generator| generator.subschema_for::<T>();
        self.answers.push(Answer { status, body: Some((JSON, schema)) });
        self
    }

    /// Describes an answer that is no JSON.
    pub fn shows(mut self, kind: &'static str) -> Self {
        self.answers.push(Answer { status: 200, body: Some((kind, any_text)) });
        self
    }

    /// Describes what is refused with a sentence.
    pub fn fails(mut self, statuses: &[u16]) -> Self {
        let answer = |status: &u16| Answer { status: *status, body: Some((TEXT, any_text)) };
        self.answers.extend(statuses.iter().map(answer));
        self
    }

    /// Describes what is refused by the writer, or before it is asked.
    pub fn refuses(self, statuses: &[u16]) -> Self {
        statuses.iter().fold(self, |operation, status| operation.answers::<Refused>(*status))
    }

    /// Returns whether only those may ask who may operate.
    #[cfg(test)]
    pub fn is_change(&self) -> bool {
        self.needs == Needs::Operating
    }

    /// Writes it down.
    fn describe(&self, taken: &mut SchemaGenerator, given: &mut SchemaGenerator) -> Value {
        let mut responses: BTreeMap<String, Value> = BTreeMap::new();
        for answer in &self.answers {
            let response = responses.entry(answer.status.to_string());
            let response = response.or_insert_with(|| json!({ "description": meaning(answer.status) }));
            if let Some((kind, schema)) = answer.body {
                response["content"][kind] = json!({ "schema": schema(given) });
            }
        }
        let mut described = json!({
            "summary": self.help,
            "operationId": identifier(self.method, self.path),
            "parameters": self.parameters,
            "responses": responses,
            "security": self.needs.security(),
        });
        if let Some(body) = self.body {
            described["requestBody"] =
                json!({ "required": true, "content": { JSON: { "schema": body(taken) } } });
        }
        described
    }
}

impl Needs {
    fn security(self) -> Value {
        match self {
            Self::Nothing => json!([]),
            // The first: this machine reads without anything.
            Self::Reading => json!([{}, { "token": [] }, { "certificate": [] }]),
            Self::Operating => json!([{ "token": [] }, { "certificate": [] }]),
        }
    }
}

/// Says what a status means here.
fn meaning(status: u16) -> &'static str {
    match status {
        200 => "it is so, or was done already",
        201 => "it was done, and is in the answers to queries",
        400 => "it makes no sense: what is wrong, and what to write",
        401 => "nothing, or a wrong token, says who asks",
        403 => "the caller may not do this",
        404 => "it is about something that is not there",
        409 => "it does not fit what is the case, or breaks a rule of safety",
        413 => "the body is too large",
        429 => "too many wrong tokens in this second",
        431 => "the path and the headers are too long",
        503 => "there is too much to do, or the server is stopping: try again",
        _ => "see the sentence",
    }
}

/// Returns a name for programs: `get_status_region`.
fn identifier(method: &str, path: &str) -> String {
    let words = path.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method.to_lowercase()).chain(words.map(str::to_owned)).collect::<Vec<_>>().join("_")
}

/// Writes down all of them.
pub(super) fn document(operations: &[Operation]) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut taken = settings.clone().into_generator();
    let mut given = settings.for_serialize().into_generator();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for operation in operations {
        let described = operation.describe(&mut taken, &mut given);
        paths.entry(operation.path).or_default().insert(operation.method.to_lowercase(), described);
    }
    let mut schemas = given.take_definitions(true);
    schemas.extend(taken.take_definitions(true));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Meridian",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What an instance tells about itself, and what operators ask of it. Whatever can be read \
                            with GET answers HEAD as well. A moment is text in RFC 3339, in UTC; what is not \
                            known or does not apply is null. Fields are only added.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "certificate": { "type": "mutualTLS" },
            },
        },
    })
}
