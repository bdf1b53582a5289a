use bytes::{Buf, BufMut, Bytes};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use septet_chassis::{
    Channel,
    contract::{Limits, json},
};
use serde_json::{Value, json as value};
use tokio_stream::StreamExt;
use tonic::{
    Code, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};
use uuid::Uuid;

use super::{Done, Failure, MAX_RESULT, Ticket};
use crate::contracts;

/// Replies of a stream at most.
const MAX_REPLIES: usize = 1_000;

/// Calls an RPC of a sister. A request with a `request_id` that is not set gets one that every attempt shares.
pub(super) async fn call(
    channel: Channel,
    path: &str,
    mut body: Value,
    ticket: &Ticket,
) -> Result<Done, Failure> {
    let method = contracts::method(path).map_err(Failure::lasting)?;
    let input = method.input();
    if let Value::Object(members) = &mut body
        && input.get_field_by_name("request_id").is_some_and(|field| is_text(&field))
        && !["request_id", "requestId"].iter().any(|name| members.contains_key(*name))
    {
        let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, ticket.idempotency_key().as_bytes());
        members.insert("request_id".to_owned(), id.to_string().into());
    }
    let request = json::from_json(&input, body.to_string().as_bytes(), &Limits::default())
        .map_err(|error| Failure::lasting(format!("grpc.body is no {}: {error}", input.full_name())))?;
    let mut client = Grpc::new(channel);
    client.ready().await.map_err(|error| Failure::passing(format!("cannot be reached: {error}")))?;
    let path = path.parse().map_err(|_| Failure::lasting("grpc.call is no path"))?;
    // A unary call is a stream of one, on the wire and here.
    let mut replies = client
        .server_streaming(tonic::Request::new(request), path, BytesCodec)
        .await
        .map_err(|status| failure(&status))?
        .into_inner();
    let mut read = Vec::new();
    let mut size = 0;
    while let Some(reply) = replies.next().await {
        let reply = reply.map_err(|status| failure(&status))?;
        size += reply.len();
        if read.len() >= MAX_REPLIES || size > MAX_RESULT {
            return Err(Failure::lasting(format!(
                "more than {MAX_REPLIES} replies or {MAX_RESULT} bytes came; ask for less"
            )));
        }
        read.push(as_json(&method.output(), &reply)?);
    }
    let result = if method.is_server_streaming() {
        value!({ "replies": read })
    } else {
        value!({ "reply": read.pop().unwrap_or(Value::Null) })
    };
    Ok(Done { result, log: String::new() })
}

fn is_text(field: &FieldDescriptor) -> bool {
    field.kind() == Kind::String && !field.is_list()
}

fn as_json(descriptor: &MessageDescriptor, bytes: &Bytes) -> Result<Value, Failure> {
    json::to_json(descriptor, bytes).map_err(|error| Failure::lasting(error.to_string()))
}

fn failure(status: &Status) -> Failure {
    let reason = format!("{:?}: {}", status.code(), status.message());
    match status.code() {
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::Internal
        | Code::Unknown
        | Code::Cancelled => Failure::passing(reason),
        _ => Failure::lasting(reason),
    }
}

/// Messages as they are on the wire.
struct BytesCodec;

impl Codec for BytesCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
