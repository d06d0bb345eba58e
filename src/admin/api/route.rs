//! What a route is: a path and a method, and the types that go in and come out.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::Role;

/// The media type of text for people.
pub const TEXT: &str = "text/plain; charset=utf-8";

/// A route whose parameters, in the path and in the query, are a `P`, whose body is a `B`, and which answers an `A`.
#[derive(Debug)]
pub struct ApiRoute<P, B, A> {
    operation: Operation,
    types: PhantomData<fn(P, B) -> A>,
}

/// A route without its types: what the router, the list of paths and the OpenAPI document are made of.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The method; `GET` answers `HEAD` as well.
    pub method: Method,
    /// The path, with `{name}` for a parameter.
    pub path: &'static str,
    /// Its purpose, in a line.
    pub summary: &'static str,
    /// A query that makes sense, for refusals.
    pub example: &'static str,
    /// The role that a caller needs; `None`: no credential is needed.
    pub role: Option<Role>,
    /// The schema of the parameters.
    pub parameters: SchemaOf,
    /// A header that the route reads, with its purpose and schema.
    pub header: Option<(&'static str, &'static str, SchemaOf)>,
    /// The schema of the body.
    pub body: Option<SchemaOf>,
    /// The statuses of success.
    pub successes: &'static [u16],
    /// The schema of an answer in JSON.
    pub answer: Option<SchemaOf>,
    /// The media types of answers that are no JSON.
    pub texts: &'static [&'static str],
    /// The statuses of refusals, besides those that all routes of its kind have.
    pub refusals: &'static [u16],
}

/// Makes the schema of a type.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// A method of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads.
    Get,
    /// Changes.
    Post,
    /// Ends.
    Delete,
}

/// The parameters of a route without parameters.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct NoParameters {}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        })
    }
}

impl<P: JsonSchema, B: JsonSchema, A: JsonSchema> ApiRoute<P, B, A> {
    /// Makes a route that reads values.
    pub(super) const fn get(path: &'static str, summary: &'static str) -> Self {
        let answer: SchemaOf = |generator| generator.subschema_for::<A>();
        let operation = Operation {
            method: Method::Get,
            path,
            summary,
            example: "",
            role: Some(Role::Read),
            parameters: P::json_schema,
            header: None,
            body: None,
            successes: &[200],
            answer: Some(answer),
            texts: &[],
            refusals: &[],
        };
        Self { operation, types: PhantomData }
    }

    /// Makes a route that changes something, and answers with one of these statuses when it did.
    pub(super) const fn change(
        method: Method,
        path: &'static str,
        summary: &'static str,
        successes: &'static [u16],
    ) -> Self {
        let mut route = Self::get(path, summary);
        route.operation.method = method;
        route.operation.role = Some(Role::Operate);
        route.operation.successes = successes;
        route
    }

    /// Adds a body.
    pub(super) const fn with_body(mut self) -> Self {
        let body: SchemaOf = |generator| generator.subschema_for::<B>();
        self.operation.body = Some(body);
        self
    }
}

impl<P: JsonSchema> ApiRoute<P, (), String> {
    /// Makes a route that reads text of one of these media types.
    pub(super) const fn text(
        path: &'static str,
        summary: &'static str,
        texts: &'static [&'static str],
    ) -> Self {
        let mut route = Self::get(path, summary).or_text(texts);
        route.operation.answer = None;
        route
    }
}

impl<P, B, A> ApiRoute<P, B, A> {
    /// Returns the route without its types.
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// Needs no credential.
    pub(super) const fn open(mut self) -> Self {
        self.operation.role = None;
        self
    }

    /// Adds media types of answers that are no JSON.
    pub(super) const fn or_text(mut self, texts: &'static [&'static str]) -> Self {
        self.operation.texts = texts;
        self
    }

    /// Adds a header that it reads.
    pub(super) const fn header(mut self, name: &'static str, help: &'static str, schema: SchemaOf) -> Self {
        self.operation.header = Some((name, help, schema));
        self
    }

    /// Adds a query that makes sense.
    pub(super) const fn example(mut self, query: &'static str) -> Self {
        self.operation.example = query;
        self
    }

    /// Adds statuses of refusals.
    pub(super) const fn refuses(mut self, statuses: &'static [u16]) -> Self {
        self.operation.refusals = statuses;
        self
    }
}

/// Makes the schema of a number that counts.
pub(super) fn number(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "format": "uint64", "minimum": 0 })
}
