//! Authentication and authorization for axum applications.
