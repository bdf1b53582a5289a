//! Tower layers that make a span and a duration of every gRPC call, for servers and for clients.
//!
//! They are layers and not tonic interceptors, because only a layer sees the end of a call: the status of a streamed
//! reply comes with its trailers, long after the interceptor returned.

mod call;
mod code;
mod layer;
mod methods;
mod response;

pub use layer::{Client, ClientTraceLayer, End, Server, ServerTraceLayer, TraceLayer, TraceService};
pub use methods::KnownMethods;
pub use response::{ResponseBody, ResponseFuture};

#[cfg(test)]
mod tests;
