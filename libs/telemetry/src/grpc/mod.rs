//! Tower layers that make a span and a duration of every gRPC call, for servers and for clients.
//!
//! They are layers and not tonic interceptors, because only a layer sees the end of a call: the status of a streamed
//! reply comes with its trailers, long after the interceptor returned.

mod call;
mod client;
mod code;
mod methods;
mod response;
mod server;

pub use client::{ClientTraceLayer, ClientTraceService};
pub use methods::KnownMethods;
pub use response::{ResponseBody, ResponseFuture};
pub use server::{ServerTraceLayer, ServerTraceService};

#[cfg(test)]
mod tests;
