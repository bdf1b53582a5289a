//! Finds files that moved: a deleted and an added file that are identical or much alike become one rename.
//!
//! The steps and their order are git's, since another order pairs other files: identical content first, then files that
//! alone have their name, then all others by similarity.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::object::Kind;

use super::objects::Objects;
use super::similarity::{ENOUGH, FULL, Sketch, possible};
use super::tree::{Delta, Origin, Version};
use super::{DiffLimits, GitError};

/// A file is not compared further once it has this many good candidates.
const CANDIDATES: usize = 4;

/// Turns pairs of a deleted and an added file into renames.
pub(super) fn detect(
    objects: &Objects,
    deltas: &mut Vec<Delta>,
    limits: &DiffLimits,
) -> Result<(), GitError> {
    let numbers =
        |wanted: fn(&Delta) -> bool| (0..deltas.len()).filter(|n| wanted(&deltas[*n])).collect::<Vec<_>>();
    let deleted = numbers(|delta| delta.new.is_none());
    let added = numbers(|delta| delta.old.is_none());
    if deleted.is_empty() || added.is_empty() {
        return Ok(());
    }
    let mut pairs = Pairs { deltas, from: HashMap::new(), used: vec![false; deltas.len()] };
    pairs.identical(&deleted, &added);
    let mut content = Content::new(objects, limits);
    pairs.same_name(&deleted, &added, &mut content)?;
    pairs.alike(&deleted, &added, &mut content)?;
    let (from, used) = (pairs.from, pairs.used);
    apply(deltas, &from, &used);
    Ok(())
}

struct Pairs<'a> {
    deltas: &'a [Delta],
    /// Number of an added file to the number of its origin, and their score.
    from: HashMap<usize, (usize, u64)>,
    /// Deleted files that are origins.
    used: Vec<bool>,
}

impl Pairs<'_> {
    fn name(&self, number: usize) -> &BStr {
        let path = &self.deltas[number].path;
        path.rfind_byte(b'/').map_or(path.as_bstr(), |slash| path[slash + 1..].as_bstr())
    }

    fn before(&self, number: usize) -> Option<Version> {
        self.deltas[number].old
    }

    fn after(&self, number: usize) -> Option<Version> {
        self.deltas[number].new
    }

    fn pair(&mut self, source: usize, target: usize, score: u64) {
        self.from.insert(target, (source, score));
        self.used[source] = true;
    }

    fn identical(&mut self, deleted: &[usize], added: &[usize]) {
        // Thousands of files may share one content, so both lists are consumed from the front, which keeps this linear.
        let mut by_id: HashMap<ObjectId, VecDeque<usize>> = HashMap::new();
        let mut by_name: HashMap<(ObjectId, BString), VecDeque<usize>> = HashMap::new();
        for &source in deleted {
            if let Some(old) = self.before(source) {
                by_id.entry(old.id).or_default().push_back(source);
                by_name.entry((old.id, self.name(source).to_owned())).or_default().push_back(source);
            }
        }
        for &target in added {
            let Some(new) = self.after(target) else { continue };
            let lists = [by_name.get_mut(&(new.id, self.name(target).to_owned())), by_id.get_mut(&new.id)];
            let found = lists.into_iter().flatten().find_map(|sources| {
                while sources.front().is_some_and(|source| self.used[*source]) {
                    sources.pop_front();
                }
                let fits = |source: usize| self.before(source).is_some_and(|old| old.same_type(new));
                sources.iter().copied().find(|source| !self.used[*source] && fits(*source))
            });
            if let Some(source) = found {
                self.pair(source, target, FULL);
            }
        }
    }

    /// Pairs files whose name is unique among what is left on both sides, if at least 75 % alike.
    fn same_name(
        &mut self,
        deleted: &[usize],
        added: &[usize],
        content: &mut Content<'_>,
    ) -> Result<(), GitError> {
        let least = ENOUGH + (FULL - ENOUGH) / 2;
        let unique = |numbers: &mut dyn Iterator<Item = usize>| {
            let mut by_name: HashMap<&BStr, Option<usize>> = HashMap::new();
            for number in numbers {
                by_name.entry(self.name(number)).and_modify(|one| *one = None).or_insert(Some(number));
            }
            by_name
        };
        let sources = unique(&mut deleted.iter().copied().filter(|n| !self.used[*n]));
        let targets = unique(&mut added.iter().copied().filter(|n| !self.from.contains_key(n)));
        let mut candidates = Vec::new();
        for (name, source) in sources {
            if let (Some(source), Some(Some(target))) = (source, targets.get(name)) {
                candidates.push((source, *target));
            }
        }
        candidates.sort_unstable();
        for (source, target) in candidates {
            if let Some(score) = content.score(self.before(source), self.after(target), least)? {
                self.pair(source, target, score);
            }
        }
        Ok(())
    }

    fn alike(
        &mut self,
        deleted: &[usize],
        added: &[usize],
        content: &mut Content<'_>,
    ) -> Result<(), GitError> {
        let sources: Vec<usize> = deleted.iter().copied().filter(|n| !self.used[*n]).collect();
        let targets: Vec<usize> = added.iter().copied().filter(|n| !self.from.contains_key(n)).collect();
        let limit = content.limits.renames;
        if sources.len().saturating_mul(targets.len()) > limit.saturating_mul(limit) {
            return Ok(());
        }
        let mut candidates = Vec::new();
        for &target in &targets {
            let mut best: Vec<(Reverse<u64>, Reverse<bool>, usize)> = Vec::new();
            for &source in &sources {
                if let Some(score) = content.score(self.before(source), self.after(target), ENOUGH)? {
                    best.push((Reverse(score), Reverse(self.name(source) == self.name(target)), source));
                }
            }
            best.sort_by_key(|candidate| (candidate.0, candidate.1));
            best.truncate(CANDIDATES);
            candidates.extend(best.into_iter().map(|(score, named, source)| (score, named, source, target)));
        }
        candidates.sort_by_key(|candidate| (candidate.0, candidate.1));
        for (Reverse(score), _, source, target) in candidates {
            if !self.used[source] && !self.from.contains_key(&target) {
                self.pair(source, target, score);
            }
        }
        Ok(())
    }
}

fn apply(deltas: &mut Vec<Delta>, from: &HashMap<usize, (usize, u64)>, used: &[bool]) {
    for (&target, &(source, score)) in from {
        let origin = Origin { path: deltas[source].path.clone(), similarity: (score * 100 / FULL) as u32 };
        deltas[target].old = deltas[source].old;
        deltas[target].origin = Some(origin);
    }
    let mut number = 0;
    deltas.retain(|_| {
        number += 1;
        !used[number - 1]
    });
}

/// Sketches of the files that are compared, each read once, until the limit on bytes is used up.
struct Content<'a> {
    objects: &'a Objects,
    limits: &'a DiffLimits,
    sizes: HashMap<ObjectId, u64>,
    sketches: HashMap<ObjectId, Option<Sketch>>,
    left: u64,
}

impl<'a> Content<'a> {
    fn new(objects: &'a Objects, limits: &'a DiffLimits) -> Self {
        let left = limits.rename_bytes;
        Self { objects, limits, sizes: HashMap::new(), sketches: HashMap::new(), left }
    }

    /// Score of two files if it is at least `least`. Links and submodules only move unchanged.
    fn score(
        &mut self,
        old: Option<Version>,
        new: Option<Version>,
        least: u64,
    ) -> Result<Option<u64>, GitError> {
        let (Some(old), Some(new)) = (old, new) else { return Ok(None) };
        if !old.is_regular() || !new.is_regular() || !possible(self.size(old.id)?, self.size(new.id)?, least)
        {
            return Ok(None);
        }
        self.sketch(old.id)?;
        self.sketch(new.id)?;
        let found = (self.sketches.get(&old.id), self.sketches.get(&new.id));
        let (Some(Some(old)), Some(Some(new))) = found else { return Ok(None) };
        Ok(Some(old.score(new)).filter(|score| *score >= least))
    }

    fn size(&mut self, id: ObjectId) -> Result<u64, GitError> {
        if let Some(size) = self.sizes.get(&id) {
            return Ok(*size);
        }
        let size = self.objects.size(Kind::Blob, id)?;
        self.sizes.insert(id, size);
        Ok(size)
    }

    fn sketch(&mut self, id: ObjectId) -> Result<(), GitError> {
        if self.sketches.contains_key(&id) {
            return Ok(());
        }
        let size = self.size(id)?;
        let sketch = if size <= self.limits.blob_bytes && size <= self.left {
            self.left -= size;
            Some(Sketch::new(&self.objects.read(Kind::Blob, id, self.limits.blob_bytes)?))
        } else {
            None
        };
        self.sketches.insert(id, sketch);
        Ok(())
    }
}
