//! Test applications, browsers and sinks for lychgate's tests.
