//! Rules as they are evaluated.

use std::{cmp::Ordering, fmt, net::IpAddr};

use ipnet::IpNet;
use regex::Regex;

use super::{event::FieldId, logsource::LogSource};

pub use super::{
    number::Number,
    pattern::{Pattern, Place},
    time::TimePart,
};

/// How bad it is when a rule matches. Ordered: `Informational < Critical`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Says something about an event; nobody is to be alerted.
    Informational,
    /// Rarely an incident. What a rule without a level has.
    Low,
    /// To be reviewed.
    Medium,
    /// To be reviewed soon.
    High,
    /// Almost certainly an incident.
    Critical,
}

impl Level {
    /// All levels, lowest first.
    pub const ALL: [Level; 5] =
        [Level::Informational, Level::Low, Level::Medium, Level::High, Level::Critical];

    /// The name as rules write it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Informational => "informational",
            Level::Low => "low",
            Level::Medium => "medium",
            Level::High => "high",
            Level::Critical => "critical",
        }
    }

    /// The level of that [`name`](Self::name), if there is one.
    pub fn from_name(name: &str) -> Option<Level> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// A detection rule for single events.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The one that it gives itself, else derived from its title.
    pub id: String,
    /// What it detects, in a few words.
    pub title: String,
    /// What it detects, at length; may be empty.
    pub description: String,
    /// How bad a match is.
    pub level: Level,
    /// For example `attack.t1059`.
    pub tags: Vec<String>,
    /// The log that it is about.
    pub logsource: LogSource,
    /// Line of its file on which it begins, from 1.
    pub line: u32,
    pub(super) selections: Vec<Expr>,
    pub(super) condition: Expr,
}

/// A condition on an event.
#[derive(Clone, Debug)]
pub enum Expr {
    /// All of them.
    And(Vec<Expr>),
    /// At least one of them.
    Or(Vec<Expr>),
    /// At least so many of them.
    AtLeast(usize, Vec<Expr>),
    /// Not this one.
    Not(Box<Expr>),
    /// The rule's search identifier with this number, so that one that is named often is there once.
    Selection(usize),
    /// One predicate.
    Is(Box<Predicate>),
}

/// What one field is asked.
#[derive(Clone, Debug)]
pub struct Predicate {
    /// `None`: any value of the whole event.
    pub field: Option<FieldId>,
    /// The question.
    pub test: Test,
}

/// A question to a value.
#[derive(Clone, Debug)]
pub enum Test {
    /// It has this text.
    Text(Pattern),
    /// It is this number.
    Number(Number),
    /// It is this truth value.
    Bool(bool),
    /// It is null, or absent.
    Null,
    /// It is there, or is not.
    Exists(bool),
    /// It is a number that stands so to this one.
    Compare(Comparison, Number),
    /// This expression is found in it.
    Matches(Box<Regex>),
    /// It is an address of this network.
    InNetwork(IpNet),
    /// It has the text of another field.
    SameAs {
        /// The other field.
        other: FieldId,
        /// Where in the value.
        place: Place,
        /// True if case matters.
        cased: bool,
    },
    /// A part of the time that it is stands so to this number.
    Time(TimePart, Comparison, i64),
}

/// How two numbers stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same.
    Equal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Comparison {
    /// True if the order of two numbers is one that this asks for.
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::Less => order.is_lt(),
            Comparison::AtMost => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::AtLeast => order.is_ge(),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Comparison::Equal => "=",
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::Greater => ">",
            Comparison::AtLeast => ">=",
        })
    }
}

/// True if a text is an address of a network. An IPv4 address written as IPv6 is one of IPv4.
pub(super) fn in_network(network: &IpNet, text: &str) -> bool {
    text.trim().parse().is_ok_and(|address: IpAddr| network.contains(&address.to_canonical()))
}
