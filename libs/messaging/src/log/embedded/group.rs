//! Groups on disk: who is a member, and who reads what. Every change is made inside the writer's transaction, so that all
//! processes on the file see one order of them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use async_trait::async_trait;
use septet_contract::Timestamp;
use sqlx::{Row as _, SqliteConnection};

use super::{
    balance::{Share, balance},
    catalog::{Cell, Topics},
    lease::Lease,
    ledger::Ledger,
    shared::{Assigned, View},
    writer::Write,
};

/// Adds a member to a group.
pub(super) struct Join {
    pub(super) group: String,
    pub(super) member: String,
    pub(super) topics: Vec<String>,
}

#[async_trait]
impl Write<Ledger> for Join {
    type Answer = ();

    async fn apply(&mut self, ledger: &mut Ledger, tx: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let topics =
            serde_json::to_string(&self.topics).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        let expires = Timestamp::now().after(ledger.shared.options.lease).micros();
        sqlx::query(
            "INSERT INTO members (grp, member, instance, topics, expires) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (grp, member) DO UPDATE SET expires = excluded.expires",
        )
        .bind(&self.group)
        .bind(&self.member)
        .bind(&ledger.shared.instance)
        .bind(topics)
        .bind(expires)
        .execute(tx)
        .await?;
        ledger.unsettled.insert(self.group.clone());
        Ok(())
    }
}

/// Removes a member from its group, and frees what it has.
pub(super) struct Leave {
    pub(super) group: String,
    pub(super) member: String,
}

#[async_trait]
impl Write<Ledger> for Leave {
    type Answer = ();

    async fn apply(&mut self, ledger: &mut Ledger, tx: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        sqlx::query("DELETE FROM members WHERE grp = $1 AND member = $2")
            .bind(&self.group)
            .bind(&self.member)
            .execute(tx)
            .await?;
        ledger.unsettled.insert(self.group.clone());
        Ok(())
    }
}

/// Gives a partition back, so that its target can have it.
pub(super) struct Release {
    pub(super) lease: Arc<Lease>,
}

#[async_trait]
impl Write<Ledger> for Release {
    type Answer = ();

    async fn apply(&mut self, ledger: &mut Ledger, tx: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "UPDATE assignments SET owner = NULL
             WHERE grp = $1 AND partition_id = $2 AND owner = $3 AND epoch = $4",
        )
        .bind(&self.lease.group)
        .bind(self.lease.cell.id)
        .bind(&self.lease.member)
        .bind(self.lease.epoch)
        .execute(tx)
        .await?;
        ledger.unsettled.insert(self.lease.group.clone());
        Ok(())
    }
}

/// Has committed positions written now.
pub(super) struct Flush;

#[async_trait]
impl Write<Ledger> for Flush {
    type Answer = ();

    async fn apply(&mut self, _: &mut Ledger, _: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        Ok(())
    }
}

/// Removes the members of an instance, or all members; gives their groups.
pub(super) async fn clear(
    instance: Option<&str>,
    tx: &mut SqliteConnection,
) -> Result<BTreeSet<String>, sqlx::Error> {
    let groups = sqlx::query_scalar("DELETE FROM members WHERE $1 IS NULL OR instance = $1 RETURNING grp")
        .bind(instance)
        .fetch_all(tx)
        .await?;
    Ok(groups.into_iter().collect())
}

struct Held {
    owner: Option<String>,
    target: Option<String>,
    epoch: i64,
}

/// Decides anew who should read what, and hands over what is free.
pub(super) async fn settle(
    group: &str,
    topics: &Topics,
    tx: &mut SqliteConnection,
) -> Result<(), sqlx::Error> {
    let members = members(group, topics, tx).await?;
    let held = held(group, tx).await?;
    let alive = |member: &Option<String>| member.clone().filter(|member| members.contains_key(member));
    let read: BTreeSet<i64> = members.values().flatten().copied().collect();
    let shares: Vec<Share<'_>> = topics
        .values()
        .filter(|topic| read.contains(&topic.id))
        .flat_map(|topic| &topic.partitions)
        .map(|cell| {
            // What was promised stays promised: else a hand-over that is under way would be called off.
            let holder = held.get(&cell.id).and_then(|held| {
                let living =
                    |member: &'_ Option<String>| member.as_deref().is_some_and(|m| members.contains_key(m));
                [&held.target, &held.owner].into_iter().find(|member| living(member))?.as_deref()
            });
            Share { partition: cell.id, topic: cell.topic_id, holder }
        })
        .collect();
    let targets = balance(&members, &shares);
    let partitions: BTreeSet<i64> = held.keys().chain(targets.keys()).copied().collect();
    for partition in partitions {
        let now = held.get(&partition);
        let target = targets.get(&partition).map(|member| (*member).to_owned());
        let kept = now.and_then(|now| alive(&now.owner));
        let epoch = now.map_or(0, |now| now.epoch);
        let (owner, epoch) = match kept {
            Some(owner) => (Some(owner), epoch),
            None => (target.clone(), epoch + i64::from(target.is_some())),
        };
        if now.is_some_and(|now| now.owner == owner && now.target == target && now.epoch == epoch) {
            continue;
        }
        sqlx::query(
            "INSERT INTO assignments (grp, partition_id, owner, target, epoch) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (grp, partition_id) DO UPDATE
             SET owner = excluded.owner, target = excluded.target, epoch = excluded.epoch",
        )
        .bind(group)
        .bind(partition)
        .bind(owner)
        .bind(target)
        .bind(epoch)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// The group as it is.
pub(super) async fn view(
    group: &str,
    topics: &Topics,
    tx: &mut SqliteConnection,
) -> Result<View, sqlx::Error> {
    let members = sqlx::query_scalar("SELECT member FROM members WHERE grp = $1")
        .bind(group)
        .fetch_all(&mut *tx)
        .await?
        .into_iter()
        .collect();
    let cells: HashMap<i64, &Arc<Cell>> =
        topics.values().flat_map(|topic| &topic.partitions).map(|cell| (cell.id, cell)).collect();
    let assignments = held(group, tx)
        .await?
        .into_iter()
        .filter_map(|(partition, held)| {
            let cell = Arc::clone(cells.get(&partition)?);
            Some(Assigned { cell, owner: held.owner, target: held.target, epoch: held.epoch })
        })
        .collect();
    Ok(View { members, assignments })
}

/// Members and the ids of the topics that they read.
async fn members(
    group: &str,
    topics: &Topics,
    tx: &mut SqliteConnection,
) -> Result<BTreeMap<String, BTreeSet<i64>>, sqlx::Error> {
    let rows =
        sqlx::query("SELECT member, topics FROM members WHERE grp = $1").bind(group).fetch_all(tx).await?;
    rows.into_iter()
        .map(|row| {
            let names: Vec<String> = serde_json::from_str(row.try_get(1)?)
                .map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            let read =
                names.iter().filter_map(|name| topics.get(name.as_str())).map(|topic| topic.id).collect();
            Ok((row.try_get(0)?, read))
        })
        .collect()
}

async fn held(group: &str, tx: &mut SqliteConnection) -> Result<BTreeMap<i64, Held>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT partition_id, owner, target, epoch FROM assignments WHERE grp = $1 ORDER BY partition_id",
    )
    .bind(group)
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let held = Held { owner: row.try_get(1)?, target: row.try_get(2)?, epoch: row.try_get(3)? };
            Ok((row.try_get(0)?, held))
        })
        .collect()
}
