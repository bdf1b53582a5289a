//! Puts selected commits in order and counts each to a branch.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::history::{Listed, Node};

/// The selected commits, parents before children and otherwise by time. `tips` are branches in order of preference.
pub(super) fn oldest_first(nodes: &[Node], tips: &[(u32, Arc<str>)]) -> Vec<Listed> {
    let owners = owners(nodes, tips);
    let mut children: Vec<Vec<u32>> = vec![Vec::new(); nodes.len()];
    let mut waiting = vec![0_u32; nodes.len()];
    let mut ready = BinaryHeap::new();
    for (number, node) in nodes.iter().enumerate().filter(|(_, node)| node.selected) {
        for &parent in node.parents.iter().filter(|parent| nodes[**parent as usize].selected) {
            children[parent as usize].push(number as u32);
            waiting[number] += 1;
        }
        if waiting[number] == 0 {
            ready.push(Reverse((node.seconds, node.id, number as u32)));
        }
    }
    let mut listed = Vec::new();
    while let Some(Reverse((_, id, number))) = ready.pop() {
        if let Some(owner) = owners[number as usize] {
            listed.push(Listed { id, branch: Arc::clone(&tips[owner as usize].1) });
        }
        for &child in &children[number as usize] {
            waiting[child as usize] -= 1;
            if waiting[child as usize] == 0 {
                let node = &nodes[child as usize];
                ready.push(Reverse((node.seconds, node.id, child)));
            }
        }
    }
    listed
}

/// For each node, the first tip that leads to it through selected commits. Every selected commit has one, since only
/// tips and parents of selected commits are ever selected.
fn owners(nodes: &[Node], tips: &[(u32, Arc<str>)]) -> Vec<Option<u32>> {
    let mut owners = vec![None; nodes.len()];
    let mut stack = Vec::new();
    for (owner, (tip, _)) in tips.iter().enumerate() {
        stack.push(*tip);
        while let Some(number) = stack.pop() {
            let node = &nodes[number as usize];
            if node.selected && owners[number as usize].is_none() {
                owners[number as usize] = Some(owner as u32);
                stack.extend_from_slice(&node.parents);
            }
        }
    }
    owners
}
