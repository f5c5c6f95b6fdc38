//! The identity service: clients and how they authenticate.
