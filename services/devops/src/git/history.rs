//! Which commits to import.

use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use gix::ObjectId;

use super::limits::COMMITS;
use super::objects::Objects;
use super::{Checkout, GitError, Refs, order};

/// After the last new commit was found, so many seen ones are still followed: behind them may be a commit that was taken
/// for new because a clock was wrong.
const SLOP: usize = 64;

/// Where history begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// The newest so many commits by commit time, over all branches.
    Last(usize),
    /// Commits that cannot be reached from this one.
    Commit(ObjectId),
    /// Commits committed at or after this time, in seconds since 1970. An older commit ends its line of history.
    Time(i64),
    /// All commits.
    All,
}

/// A commit to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its hash.
    pub id: ObjectId,
    /// The branch it is counted to: the first, in the order of [`Refs`], that it can be reached from.
    pub branch: Arc<str>,
}

/// What [`Checkout::history`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Commits, parents before children, and older before newer where that leaves a choice.
    pub commits: Vec<Listed>,
    /// Commits given as seen that no longer exist, as after a forced push and garbage collection. What only they led to
    /// cannot be told apart from new commits, so the selection may hold commits that were imported before.
    pub forgotten: Vec<ObjectId>,
}

/// A commit on the way, by number.
pub(super) struct Node {
    pub(super) id: ObjectId,
    pub(super) seconds: i64,
    pub(super) parents: Vec<u32>,
    /// Parents that have no number yet.
    unfollowed: Vec<ObjectId>,
    hidden: bool,
    /// Parents were followed.
    expanded: bool,
    /// In the selection, unless hidden later.
    pub(super) selected: bool,
}

impl Checkout {
    /// Lists the commits that `refs` lead to, from `since` on, without those that `seen` leads to.
    pub fn history(&self, refs: &Refs, since: Since, seen: &[ObjectId]) -> Result<Selection, GitError> {
        let objects = self.objects();
        let mut walk = Walk::new(&objects)?;
        let mut forgotten = Vec::new();
        for &id in seen {
            if !walk.hide(id)? {
                forgotten.push(id);
            }
        }
        if let Since::Commit(commit) = since
            && !walk.hide(commit)?
        {
            return Err(GitError::NoSuchCommit { repository: self.name().to_owned(), commit });
        }
        let mut tips = Vec::with_capacity(refs.branches.len());
        for branch in &refs.branches {
            let number = walk.enter(branch.tip, false).map_err(|error| match error {
                GitError::Missing { repository, id, .. } => {
                    GitError::Tip { repository, name: branch.name.clone(), id }
                }
                other => other,
            })?;
            tips.push((number, Arc::<str>::from(branch.name.as_str())));
        }
        walk.run(since)?;
        Ok(Selection { commits: order::oldest_first(&walk.nodes, &tips), forgotten })
    }
}

/// Follows parents, newest commit first, until only hidden commits are left.
struct Walk<'a> {
    objects: &'a Objects,
    shallow: Vec<ObjectId>,
    nodes: Vec<Node>,
    numbers: HashMap<ObjectId, u32>,
    queue: BinaryHeap<(i64, u32)>,
    /// Queued commits that are not hidden.
    open: usize,
}

impl<'a> Walk<'a> {
    fn new(objects: &'a Objects) -> Result<Self, GitError> {
        let shallow = objects.shallow()?;
        Ok(Self {
            objects,
            shallow,
            nodes: Vec::new(),
            numbers: HashMap::new(),
            queue: BinaryHeap::new(),
            open: 0,
        })
    }

    /// Hides a commit and all it leads to. False if there is no such commit.
    fn hide(&mut self, id: ObjectId) -> Result<bool, GitError> {
        match self.enter(id, true) {
            Ok(_) => Ok(true),
            Err(GitError::Missing { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    fn enter(&mut self, id: ObjectId, hidden: bool) -> Result<u32, GitError> {
        if let Some(&number) = self.numbers.get(&id) {
            if hidden {
                self.mark_hidden(number);
            }
            return Ok(number);
        }
        if self.nodes.len() >= COMMITS {
            return Err(GitError::TooMany {
                repository: self.objects.name.clone(),
                limit: COMMITS,
                what: "commits to look at",
                way_out: "register it with a later `since`",
            });
        }
        let (seconds, unfollowed) = self.objects.commit(id, |commit| {
            (commit.committer().map_or(0, |who| who.seconds()), commit.parents().collect::<Vec<_>>())
        })?;
        let number = self.nodes.len() as u32;
        self.nodes.push(Node {
            id,
            seconds,
            parents: Vec::new(),
            unfollowed,
            hidden,
            expanded: false,
            selected: false,
        });
        self.numbers.insert(id, number);
        self.queue.push((seconds, number));
        self.open += usize::from(!hidden);
        Ok(number)
    }

    /// Clocks differ between machines, so a commit may turn out to be hidden after it was followed: its known ancestors
    /// are hidden with it.
    fn mark_hidden(&mut self, number: u32) {
        let mut stack = vec![number];
        while let Some(number) = stack.pop() {
            let node = &mut self.nodes[number as usize];
            if node.hidden {
                continue;
            }
            node.hidden = true;
            node.selected = false;
            if !node.expanded {
                self.open -= 1;
            }
            stack.extend_from_slice(&node.parents);
        }
    }

    fn run(&mut self, since: Since) -> Result<(), GitError> {
        let mut room = match since {
            Since::Last(count) => count,
            _ => usize::MAX,
        };
        let mut slop = SLOP;
        while room > 0 {
            if self.open == 0 {
                if slop == 0 {
                    break;
                }
                slop -= 1;
            }
            let Some((seconds, number)) = self.queue.pop() else { break };
            let node = &mut self.nodes[number as usize];
            node.expanded = true;
            if !node.hidden {
                self.open -= 1;
                if matches!(since, Since::Time(start) if seconds < start) {
                    continue;
                }
                node.selected = true;
                room -= 1;
            }
            self.follow(number)?;
        }
        Ok(())
    }

    /// Enters the parents of a commit.
    fn follow(&mut self, number: u32) -> Result<(), GitError> {
        let node = &mut self.nodes[number as usize];
        let (id, hidden, parents) = (node.id, node.hidden, std::mem::take(&mut node.unfollowed));
        if self.shallow.binary_search(&id).is_ok() {
            return Ok(());
        }
        let mut known = Vec::with_capacity(parents.len());
        for parent in parents {
            match self.enter(parent, hidden) {
                Ok(number) => known.push(number),
                // What lies behind hidden commits is not needed.
                Err(GitError::Missing { .. } | GitError::Corrupt { .. }) if hidden => {}
                Err(other) => return Err(other),
            }
        }
        self.nodes[number as usize].parents = known;
        Ok(())
    }
}
