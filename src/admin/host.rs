//! Whom a request addresses, as HTTP has it (RFC 9112, section 3.2).

use axum::extract::Request;
use axum::http::{HeaderValue, Version, header};

use super::api::ApiError;

/// Sees to it that the `Host` of a request is the one that it addresses: whoever looks at it later looks at no other.
///
/// # Errors
///
/// When a request of HTTP/1.1 has none, or any has several.
pub(super) fn settle(request: &mut Request) -> Result<(), ApiError> {
    let count = request.headers().get_all(header::HOST).iter().count();
    if count > 1 || (count == 0 && request.version() >= Version::HTTP_11) {
        return Err(ApiError::bad_request("a request has one `Host` (RFC 9112, section 3.2)"));
    }
    // A target in absolute form names the host itself, and what the header says counts for nothing.
    if let Some(authority) = request.uri().authority() {
        let host = HeaderValue::from_str(authority.as_str());
        let host = host.map_err(|error| ApiError::bad_request(error.to_string()))?;
        request.headers_mut().insert(header::HOST, host);
    }
    Ok(())
}
