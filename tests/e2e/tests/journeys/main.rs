//! What users and operators do: through the command line, and in every topology through gRPC and topics.

mod dead_letters;
#[macro_use]
mod deployed;
mod described;
mod errors;
mod history;
mod producers;
mod server;
