//! Where a group's member starts to read a partition.

use septet_telemetry::metrics::names;
use std::{collections::HashMap, time::Duration};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError, KafkaResult},
};

/// How long one question to the brokers may take.
const LIMIT: Duration = Duration::from_secs(5);

/// A partition by topic and number.
pub(super) type At = (String, i32);

/// Where to start, and where the partition ends now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) next: i64,
    pub(super) end: i64,
}

/// The first position of each partition: the committed one, or the first kept record where there is none or where it
/// has fallen off.
pub(super) fn starts<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    group: &str,
    partitions: &TopicPartitionList,
) -> KafkaResult<HashMap<At, Start>> {
    let committed = committed(consumer, partitions)?;
    let kept_from = offsets(consumer, partitions, Offset::Beginning)?;
    let ends = offsets(consumer, partitions, Offset::End)?;
    let mut starts = HashMap::new();
    for (at, low) in kept_from {
        let end = ends.get(&at).copied().unwrap_or(low);
        let next = first(group, &at, committed.get(&at).copied(), low, end);
        starts.insert(at, Start { next, end });
    }
    Ok(starts)
}

fn first(group: &str, (topic, partition): &At, committed: Option<i64>, low: i64, end: i64) -> i64 {
    let Some(position) = committed else { return low };
    if position < low {
        let lost = low - position;
        tracing::error!(
            group,
            topic,
            partition,
            lost,
            "records were dropped by retention before the group read them; it goes on at the first kept record"
        );
        // Non-negative: `low` is above the position here.
        metrics::counter!(names::LOG_RECORDS_LOST_TOTAL, "reader" => group.to_owned(), "topic" => topic.clone())
            .increment(lost.unsigned_abs());
        low
    } else if position > end {
        tracing::error!(
            group,
            topic,
            partition,
            position,
            end,
            "the group's position is behind the topic's end, so the topic was truncated or created anew; the group \
             starts at its first kept record"
        );
        low
    } else {
        position
    }
}

/// The group's positions; partitions without one are absent.
pub(super) fn committed<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    partitions: &TopicPartitionList,
) -> KafkaResult<HashMap<At, i64>> {
    let mut question = partitions.clone();
    question.set_all_offsets(Offset::Invalid)?;
    answers(&consumer.committed_offsets(question, LIMIT)?)
}

/// First kept offsets (for [`Offset::Beginning`]) or ends (for [`Offset::End`]) of many partitions in one request for
/// each broker. Partitions that no broker leads now are an error.
pub(super) fn offsets<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    partitions: &TopicPartitionList,
    which: Offset,
) -> KafkaResult<HashMap<At, i64>> {
    // The request that finds offsets by time knows two times that are none: -1 for the end and -2 for the start.
    let mut question = partitions.clone();
    question.set_all_offsets(which)?;
    let found = answers(&consumer.offsets_for_times(question, LIMIT)?)?;
    if found.len() < partitions.count() {
        return Err(KafkaError::OffsetFetch(rdkafka::error::RDKafkaErrorCode::LeaderNotAvailable));
    }
    Ok(found)
}

fn answers(list: &TopicPartitionList) -> KafkaResult<HashMap<At, i64>> {
    let mut found = HashMap::new();
    for element in list.elements() {
        element.error()?;
        if let Offset::Offset(offset) = element.offset() {
            found.insert((element.topic().to_owned(), element.partition()), offset);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_that_is_not_kept_gives_the_first_kept_record() {
        let at = ("t".to_owned(), 0);
        for (committed, expected) in
            [(None, 10), (Some(9), 10), (Some(10), 10), (Some(15), 15), (Some(20), 20), (Some(21), 10)]
        {
            assert_eq!(first("g", &at, committed, 10, 20), expected, "{committed:?}");
        }
    }
}
