//! `/openapi.json`: every route, what it takes and what it answers, as OpenAPI 3.1 has it.
//!
//! It is made of the table of routes and of the types that are read and written, so that it cannot say anything else
//! than is the case.

use std::collections::BTreeMap;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::api::caller::AUTHOR;
use super::api::{ApiError, Operation, Role, routes};

/// Returns the document of these routes.
pub(super) fn document(operations: &[Operation]) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut taken = settings.clone().into_generator();
    let mut given = settings.for_serialize().into_generator();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for operation in operations {
        let described = describe(operation, &mut taken, &mut given);
        let method = operation.method.to_string().to_lowercase();
        paths.entry(operation.path).or_default().insert(method, described);
    }
    let mut schemas = given.take_definitions(true);
    schemas.extend(taken.take_definitions(true));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Meridian",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The status of an instance, and the commands of operators. Whatever can be read \
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

fn describe(operation: &Operation, taken: &mut SchemaGenerator, given: &mut SchemaGenerator) -> Value {
    let parameters = parameters(operation, taken);
    let mut responses = BTreeMap::new();
    for status in operation.successes {
        let answer = operation.answer.map(|answer| ("application/json", json!({ "schema": answer(given) })));
        let texts = operation.texts.iter().map(|kind| (*kind, json!({ "schema": { "type": "string" } })));
        let content: Map<String, Value> =
            answer.into_iter().chain(texts).map(|(kind, schema)| (kind.to_owned(), schema)).collect();
        let response = json!({ "description": meaning(*status), "content": content });
        responses.insert(status.to_string(), response);
    }
    for status in refusals(operation, !parameters.is_empty()) {
        let schema = given.subschema_for::<ApiError>();
        let content = json!({ "application/json": { "schema": schema } });
        responses.insert(status.to_string(), json!({ "description": meaning(status), "content": content }));
    }
    // A head that is too large is refused before its path is read, with nothing but a head.
    responses.insert("431".to_owned(), json!({ "description": meaning(431) }));
    let mut described = json!({
        "summary": operation.summary,
        "operationId": identifier(operation),
        "parameters": parameters,
        "responses": responses,
        "security": security(operation.role),
    });
    if let Some(body) = operation.body {
        described["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": body(taken) } } });
    }
    described
}

/// Returns the statuses of refusals of a route: its own, and those that all routes of its kind have.
fn refusals(operation: &Operation, has_parameters: bool) -> Vec<u16> {
    let is_change = operation.role == Some(Role::Operate);
    let of_access: &[u16] = if operation.role.is_some() { &[401, 403, 429] } else { &[] };
    let of_input: &[u16] = if is_change || has_parameters { &[400] } else { &[] };
    let of_body: &[u16] = if operation.body.is_some() { &[413] } else { &[] };
    let of_writer: &[u16] = if is_change { &[503] } else { &[] };
    [operation.refusals, of_access, of_input, of_body, of_writer].concat()
}

/// Returns the parameters of a route: the properties of their type, and headers.
fn parameters(operation: &Operation, generator: &mut SchemaGenerator) -> Vec<Value> {
    let schema = (operation.parameters)(generator).to_value();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let own = properties.into_iter().map(|(name, mut schema)| {
        let is_in_path = operation.path.contains(&format!("{{{name}}}"));
        let help = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        json!({
            "in": if is_in_path { "path" } else { "query" },
            "name": name,
            "description": help,
            "required": required.iter().any(|one| *one == name),
            "schema": without_null(schema),
        })
    });
    let author = (operation.role == Some(Role::Operate)).then_some((
        AUTHOR,
        "Author of the change, where several people share a token",
        routes::author as _,
    ));
    let mut headers = Vec::new();
    for (name, help, schema) in operation.header.into_iter().chain(author) {
        let schema = schema(generator);
        headers.push(
            json!({ "in": "header", "name": name, "description": help, "required": false, "schema": schema }),
        );
    }
    own.chain(headers).collect()
}

/// Returns the schema of a parameter that may be left out: there is no way to write that it is null.
fn without_null(mut schema: Value) -> Value {
    if let Some([one, _null]) = schema["type"].as_array().map(Vec::as_slice) {
        schema["type"] = one.clone();
    }
    if let Some([one, _null]) = schema["anyOf"].as_array().map(Vec::as_slice) {
        return one.clone();
    }
    match schema.as_object_mut() {
        Some(properties) if properties.get("default") == Some(&Value::Null) => {
            _ = properties.remove("default")
        }
        Some(_) | None => {}
    }
    schema
}

fn security(role: Option<Role>) -> Value {
    match role {
        None => json!([]),
        // The first: this machine reads without a credential.
        Some(Role::Read) => json!([{}, { "token": [] }, { "certificate": [] }]),
        Some(Role::Operate) => json!([{ "token": [] }, { "certificate": [] }]),
    }
}

fn meaning(status: u16) -> &'static str {
    match status {
        200 => "the answer, or the change was in force already or only forecast",
        201 => "the change is in force",
        400 => "the request makes no sense; what is wrong, and what to write",
        401 => "the credential is missing or unknown",
        403 => "the caller's role does not allow it",
        404 => "the request is about something that does not exist",
        409 => "the change does not fit the present state, or breaks a safety rule",
        413 => "the body is too large",
        429 => "too many wrong tokens in this second",
        431 => "the path and the headers are too long",
        503 => "the server is busy or shutting down",
        _ => "see the sentence",
    }
}

/// Returns a name for programs: `get_status_region`.
fn identifier(operation: &Operation) -> String {
    let words = operation.path.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty()).map(str::to_owned);
    let method = operation.method.to_string().to_lowercase();
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}
