//! The error vocabulary, correlation ids, trace context, logging.
