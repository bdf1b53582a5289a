use std::fmt::Write;

/// How an operation reaches review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As a record on the ingest topic.
    Event,
    /// By gRPC.
    Call,
}

/// One diff to be reviewed: all about it follows from its way, its key and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    pub way: Way,
    pub key: u32,
    /// Rises with each operation on the key.
    pub seq: u32,
}

impl Operation {
    /// The key: the repository that the diff says to belong to.
    pub fn repository(self) -> String {
        let way = match self.way {
            Way::Event => "event",
            Way::Call => "call",
        };
        format!("{way}-{:04}", self.key)
    }

    /// Its identity, which travels as the commit.
    pub fn id(self) -> String {
        format!("{}/{:07}", self.repository(), self.seq)
    }

    /// The operation of an identity; `None` for what no load has made, such as a commit's hash.
    pub fn parse(id: &str) -> Option<Self> {
        let (key, seq) = id.split_once('/')?;
        let (way, key) = key.split_once('-')?;
        let way = match way {
            "event" => Way::Event,
            "call" => Way::Call,
            _ => return None,
        };
        Some(Self { way, key: key.parse().ok()?, seq: seq.parse().ok()? })
    }

    /// True if review must refuse it: every tenth call. A malformed event would be a dead letter.
    pub fn is_refused(self) -> bool {
        self.way == Way::Call && self.seq % 10 == 9
    }

    /// Lines that its diff adds.
    pub fn lines(self) -> u32 {
        1 + self.seq % 7
    }

    /// True if its diff adds a secret, which fails the gate.
    pub fn has_secret(self) -> bool {
        (self.key + self.seq) % 16 == 3
    }

    /// The diff.
    pub fn diff(self) -> String {
        let path = format!("src/part{}.txt", self.seq % 31);
        let announced = if self.is_refused() { self.lines() + 1 } else { self.lines() };
        let mut diff =
            format!("diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -0,0 +1,{announced} @@\n");
        for line in 1..self.lines() {
            let _ = writeln!(diff, "+line {line} of {}", self.id());
        }
        // Put together here, so that no file of this repository has a token in it.
        let token = format!("{}{}", "ghp_", "b7Xk2LmQ9sWcR4tYvN8pDfGhJzA1eU6iOoT3");
        let last =
            if self.has_secret() { format!("export TOKEN={token}") } else { "the last line".to_owned() };
        let _ = writeln!(diff, "+{last}");
        diff
    }
}

#[test]
fn an_identity_says_which_operation_it_is() {
    let operation = Operation { way: Way::Call, key: 3, seq: 19 };
    assert_eq!(Operation::parse(&operation.id()), Some(operation));
    assert!(operation.is_refused());
    assert_eq!(Operation::parse("0c0ffee0"), None);
}
