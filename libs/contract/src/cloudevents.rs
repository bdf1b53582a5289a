//! The CloudEvents 1.0 Kafka protocol binding: one envelope, four accepted forms on the wire.
