//! Canonical proto3 JSON, both ways.
