//! One inference canary, prepared for what it watches: a tiny prompt, and how soon and how well it is
//! answered.
//!
//! An answer comes whole, or as a stream: `text/event-stream`, as models send token by token, or a body of
//! unstated length. A stream is read to its end or to the bound on bodies, whichever comes first. What
//! takes too long is a timeout whose detail says which of the limits it broke.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use tokio::time::{self, Instant};

use super::failure::{self, failure};
use super::http::{Error, HttpProbe, MAX_BODY, too_long};
use super::json;
use super::schedule::Watched;
use super::trust::Trust;
use crate::canary::{Assertion, Failure, FailureClass, InferenceCheck, ProbeError};

/// The media type of server-sent events (HTML standard, section 9.2).
const EVENT_STREAM: &str = "text/event-stream";

/// One inference canary, prepared for what it watches.
#[derive(Debug)]
pub struct InferenceProbe {
    http: HttpProbe,
    assertions: Vec<Assertion>,
    first_byte: Option<Duration>,
    total: Option<Duration>,
}

/// What came of a request.
struct Completion {
    body: Vec<u8>,
    /// `false`: there is more beyond the bound.
    is_whole: bool,
    form: Form,
}

/// How an answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// With its length stated ahead.
    Whole,
    /// In pieces, of a length that is not known.
    Pieces,
    Events,
}

impl InferenceProbe {
    /// Prepares `check` for what it watches.
    ///
    /// # Errors
    ///
    /// When the check says something that cannot be sent.
    pub fn new(check: &InferenceCheck, watched: &Watched, trust: &Trust) -> Result<Self, Error> {
        Ok(Self {
            http: HttpProbe::new(&check.http, watched, trust)?,
            assertions: check.assertions.clone(),
            first_byte: check.first_byte,
            total: check.total,
        })
    }

    /// Returns where the last connection went.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        self.http.addresses()
    }

    /// Sends the prompt once and looks at the answer, within the limits of the check.
    pub async fn run(&self) -> Result<(), ProbeError> {
        let Some(limit) = self.total else { return self.attempt().await };
        let late = |_| Err(late("the whole answer", limit).into());
        time::timeout(limit, self.attempt()).await.unwrap_or_else(late)
    }

    async fn attempt(&self) -> Result<(), ProbeError> {
        let started = Instant::now();
        let begun = self.begin();
        let (response, first) = match self.first_byte {
            None => begun.await?,
            Some(limit) => {
                let begun = time::timeout_at(started + limit, begun).await;
                begun.unwrap_or_else(|_| Err(late("the first byte", limit).into()))?
            }
        };
        let answer = read(response, first).await?;
        self.http.judge_body(&answer.body, answer.is_whole)?;
        Ok(self.judge(&answer)?)
    }

    /// Sends the prompt and waits for the first piece of the body: a head without a body is no answer.
    async fn begin(&self) -> Result<(Response, Vec<u8>), ProbeError> {
        let mut response = self.http.send().await?;
        while let Some(piece) = response.chunk().await.map_err(|error| failure::of(&error))? {
            if !piece.is_empty() {
                return Ok((response, piece.to_vec()));
            }
        }
        Err(failure(FailureClass::Body, "the answer is empty").into())
    }

    fn judge(&self, answer: &Completion) -> Result<(), Failure> {
        match answer.form {
            Form::Events => judge_events(&answer.body, &self.assertions),
            Form::Whole | Form::Pieces if self.assertions.is_empty() => Ok(()),
            Form::Whole | Form::Pieces if !answer.is_whole => Err(too_long()),
            Form::Whole | Form::Pieces => json::judge(&json::parse(&answer.body)?, &self.assertions),
        }
    }
}

fn late(what: &str, limit: Duration) -> Failure {
    failure(FailureClass::Timeout, format!("{what} took longer than {limit:?}"))
}

/// Reads the rest of an answer to its end, but not beyond the bound.
async fn read(mut response: Response, first: Vec<u8>) -> Result<Completion, ProbeError> {
    let form = form(&response);
    let mut body = first;
    let mut is_whole = body.len() <= MAX_BODY;
    while is_whole && let Some(piece) = response.chunk().await.map_err(|error| failure::of(&error))? {
        is_whole = body.len() + piece.len() <= MAX_BODY;
        body.extend_from_slice(&piece);
    }
    body.truncate(MAX_BODY);
    Ok(Completion { body, is_whole, form })
}

fn form(response: &Response) -> Form {
    let media = response.headers().get(CONTENT_TYPE).map(|value| value.as_bytes());
    let is_events = media.is_some_and(|media| {
        let start = media.get(..EVENT_STREAM.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(EVENT_STREAM.as_bytes()))
    });
    match (is_events, response.content_length()) {
        (true, _) => Form::Events,
        (false, Some(_)) => Form::Whole,
        (false, None) => Form::Pieces,
    }
}

/// Judges a stream: one of its events must say everything that is asserted. Models say different things
/// first and last, and `[DONE]` is not even JSON.
fn judge_events(stream: &[u8], assertions: &[Assertion]) -> Result<(), Failure> {
    if assertions.is_empty() {
        return Ok(());
    }
    let mut last = failure(FailureClass::Body, "the stream has no event of JSON");
    for event in events(stream) {
        let Ok(document) = json::parse(&event) else { continue };
        match json::judge(&document, assertions) {
            Ok(()) => return Ok(()),
            Err(cause) => last = failure(FailureClass::Body, format!("no event is right: {}", cause.detail)),
        }
    }
    Err(last)
}

/// Returns the data of every event: its lines are joined, and an empty line ends it.
fn events(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut events = vec![Vec::new()];
    for line in stream.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let open = events.last_mut().expect("there is always an open event");
        if let Some(data) = line.strip_prefix(b"data:") {
            open.extend_from_slice(data);
            open.push(b'\n');
        } else if line.is_empty() && !open.is_empty() {
            events.push(Vec::new());
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::FailureClass::{Body, Reset, Status, Timeout};
    use crate::canary::{Check, Expected, HttpCheck, Pointer, Scalar};
    use crate::probe::check::tests::{self as probes, HASTY, PATIENT};
    use crate::probe::scripted::{self, Script};

    const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n: hello\n\ndata: {\"text\":\"Par\"}\n\ndata: {\"text\":\"is\",\r\ndata: \"stop\":true}\r\n\r\ndata: [DONE]\n\n";

    /// A check without limits that asserts `/text` to be this, if anything.
    fn inference(text: Option<&str>) -> InferenceCheck {
        let assertion = |text: &str| Assertion {
            pointer: Pointer::parse("/text").expect("a pointer"),
            expected: Expected::Equal(Scalar::Text(text.to_owned())),
        };
        InferenceCheck {
            http: HttpCheck {
                method: "POST".to_owned(),
                body: Some(r#"{"prompt":"The capital of France is"}"#.to_owned()),
                ..probes::request()
            },
            assertions: text.map(assertion).into_iter().collect(),
            first_byte: None,
            total: None,
        }
    }

    async fn probe(script: Script, mut check: InferenceCheck, expected: Result<(), (FailureClass, &str)>) {
        let server = scripted::serve(script).await;
        check.http.url = format!("http://{{address}}:{}/v1/complete", server.port());
        probes::compare(probes::run(Check::Inference(check), &Trust::default(), PATIENT).await, expected);
    }

    #[tokio::test]
    async fn a_plain_answer_is_judged_by_status_and_json() {
        probe(Script::Body(r#"{"text":"Paris"}"#), inference(Some("Paris")), Ok(())).await;
        let wrong = Err((Body, r#"`/text` is "Rome", not "Paris""#));
        probe(Script::Body(r#"{"text":"Rome"}"#), inference(Some("Paris")), wrong).await;
        probe(Script::Body("Paris"), inference(Some("Paris")), Err((Body, "not JSON"))).await;
        probe(Script::Body("Paris"), inference(None), Ok(())).await;
        probe(Script::Body(""), inference(None), Err((Body, "the answer is empty"))).await;
        let overloaded = Script::Status("529 Overloaded");
        probe(overloaded, inference(None), Err((Status, "status 529"))).await;
        probe(Script::Status("307 Temporary Redirect"), inference(None), Err((Status, "status 307"))).await;
    }

    #[tokio::test]
    async fn the_prompt_is_posted_as_json() {
        let reflected = Script::Expect("content-type: application/json");
        probe(reflected, inference(None), Err((Body, "the answer is empty"))).await;
        let reflected = Script::Expect(r#"{"prompt":"The capital of France is"}"#);
        probe(reflected, inference(None), Err((Body, "the answer is empty"))).await;
        let reflected = Script::Expect("content-length: 1");
        probe(reflected, inference(None), Err((Status, "status 400"))).await;
    }

    #[tokio::test]
    async fn a_stream_is_read_to_its_end_and_one_event_must_say_everything() {
        probe(Script::Say(STREAM), inference(None), Ok(())).await;
        probe(Script::Say(STREAM), inference(Some("is")), Ok(())).await;
        let wrong = Err((Body, r#"no event is right: `/text` is "is", not "Paris""#));
        probe(Script::Say(STREAM), inference(Some("Paris")), wrong).await;
        let done = b"HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream\r\n\r\ndata: [DONE]\n\n";
        let empty = Err((Body, "no event of JSON"));
        probe(Script::Say(done), inference(Some("Paris")), empty).await;
        let comment = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n\n";
        probe(Script::Say(comment), inference(Some("Paris")), empty).await;
    }

    #[tokio::test]
    async fn a_stream_that_breaks_off_has_failed_at_once() {
        let cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nall is\r\n";
        probe(Script::Say(cut), inference(None), Err((Reset, "closed before"))).await;
    }

    #[tokio::test]
    async fn an_answer_without_end_is_a_success_at_the_bound_unless_something_is_asserted_of_all_of_it() {
        let stream = Script::Endless(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
        probe(stream, inference(None), Ok(())).await;
        let pieces = Script::Endless(b"HTTP/1.1 200 OK\r\n\r\n");
        probe(pieces, inference(None), Ok(())).await;
        probe(pieces, inference(Some("Paris")), Err((Body, "longer than 64 KiB"))).await;
        let whole = Script::Endless(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n");
        probe(whole, inference(None), Ok(())).await;
        probe(whole, inference(Some("Paris")), Err((Body, "longer than 64 KiB"))).await;
    }

    #[tokio::test]
    async fn each_limit_has_a_detail_of_its_own() {
        let first_byte = || InferenceCheck { first_byte: Some(HASTY), ..inference(None) };
        let total = || InferenceCheck { total: Some(HASTY), ..inference(None) };
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
        let no_byte = Err((Timeout, "the first byte took longer than 200ms"));
        probe(Script::Hang, first_byte(), no_byte).await;
        probe(Script::Wait(head), first_byte(), no_byte).await;
        let no_end = Err((Timeout, "the whole answer took longer than 200ms"));
        probe(Script::Drip, InferenceCheck { first_byte: Some(PATIENT), ..total() }, no_end).await;
        probe(Script::Wait(head), total(), no_end).await;
    }
}
