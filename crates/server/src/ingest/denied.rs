//! Why a request is not taken: for its body, in the contract's form of errors, or for anything else.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use whittle_domain::{Invalid, ParseError};

use crate::http::Refusal;
use crate::http::refusal::json;

/// A body that was refused for what it holds, or a request refused for anything else.
#[derive(Debug)]
pub(super) enum Denied {
    Invalid(Invalid),
    Refused(Refusal),
}

impl Denied {
    /// 400: the body as a whole cannot be read.
    pub(super) fn body(message: &str) -> Self {
        Denied::Invalid(Invalid::form(message))
    }
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Denied::Refused(refusal)
    }
}

impl From<ParseError> for Denied {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::Invalid(invalid) => Denied::Invalid(invalid),
            ParseError::TooLarge(message) => Denied::Refused(Refusal::too_large(message)),
        }
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct ValidationError {
            error: Invalid,
        }
        match self {
            Denied::Invalid(error) => json(StatusCode::BAD_REQUEST, &ValidationError { error }),
            Denied::Refused(refusal) => refusal.into_response(),
        }
    }
}
