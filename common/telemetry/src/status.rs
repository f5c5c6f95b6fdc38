//! An error on gRPC: a status with google.rpc details (AIP-193), and back again. It never shows an error's cause.

use std::collections::HashMap;
use std::time::Duration;

use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{Code, CorrelationId, Error};

/// `domain` of the `ErrorInfo`: whose codes these are.
const DOMAIN: &str = "postern";

impl Error {
    /// The status, with `ErrorInfo` (`reason` is the code in upper case, `domain` is `postern`), `RequestInfo`
    /// (the correlation id) and, where there is something to say, `BadRequest` and `RetryInfo`.
    #[must_use]
    pub fn to_status(&self, correlation_id: &CorrelationId) -> Status {
        let mut details = ErrorDetails::new();
        details.set_error_info(self.code().as_str().to_ascii_uppercase(), DOMAIN, HashMap::new());
        details.set_request_info(correlation_id.as_str(), "");
        for violation in self.fields() {
            details.add_bad_request_violation(&violation.field, &violation.description);
        }
        if let Some(seconds) = self.retry_after_seconds() {
            details.set_retry_info(Some(Duration::from_secs(seconds.into())));
        }
        Status::with_error_details(self.code().grpc_code().into(), self.message(), details)
    }

    /// What another service of ours answered. A status without our details (a broken connection, somebody else's
    /// server) may say internal things: callers get the code's own sentence, the log gets the status as the cause.
    #[must_use]
    pub fn from_status(status: &Status) -> Self {
        let details = status.get_error_details();
        let ours = details
            .error_info()
            .filter(|info| info.domain == DOMAIN)
            .and_then(|info| info.reason.to_ascii_lowercase().parse::<Code>().ok());
        let Some(code) = ours else {
            let code = Code::from_grpc(status.code().into());
            return Error::new(code, code.meaning()).with_cause(status.clone());
        };
        let mut error = Error::new(code, status.message());
        if let Some(bad_request) = details.bad_request() {
            for violation in &bad_request.field_violations {
                error = error.with_field(&violation.field, &violation.description);
            }
        }
        match details.retry_info().and_then(|info| info.retry_delay) {
            Some(delay) => error.with_retry_after(u32::try_from(delay.as_secs()).unwrap_or(u32::MAX)),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_strange_server_says_goes_to_the_log_only() {
        let error = Error::from_status(&Status::unavailable("tcp connect error: 10.1.2.3:8081"));
        assert_eq!(error.code(), Code::Unavailable);
        assert!(!error.message().contains("10.1.2.3"));
        assert!(error.log_detail().contains("10.1.2.3"));
    }

    #[test]
    fn codes_of_another_domain_are_not_taken_for_ours() {
        let mut details = ErrorDetails::new();
        details.set_error_info("INVALID_GRANT", "googleapis.com", HashMap::new());
        let status = Status::with_error_details(tonic::Code::NotFound, "theirs", details);
        assert_eq!(Error::from_status(&status).code(), Code::NotFound);
    }

    #[test]
    fn the_largest_error_fits_into_the_headers_that_a_client_takes() {
        let largest = (0..1_000).fold(Error::new(Code::RateLimited, "ß".repeat(9_999)), |error, _| {
            error.with_field("ß".repeat(9_999), "ß".repeat(9_999))
        });
        let id = CorrelationId::parse(&"x".repeat(128)).expect("well-formed");
        let mut headers = tonic::metadata::MetadataMap::new().into_headers();
        largest
            .to_status(&id)
            .add_header(&mut headers)
            .expect("valid headers");
        let bytes: usize = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 32)
            .sum();
        assert!(
            bytes < 15 * 1024,
            "{bytes} of the 16 KiB that hyper allows by default"
        );
    }
}
