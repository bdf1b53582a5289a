use super::event::folded;

/// Where in a value a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is the whole value.
    Whole,
    /// At its beginning.
    Start,
    /// At its end.
    End,
    /// Anywhere.
    Anywhere,
}

/// A piece of a text with wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// These characters.
    Literal(String),
    /// Any one character: `?`.
    One,
    /// Any number of any characters: `*`.
    Many,
    /// Any of the characters that Windows programs take before an option.
    Dash,
}

/// Hyphen, slash, en dash, em dash, horizontal bar.
pub(super) const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

/// A text with wildcards, ready to be looked for.
#[derive(Clone, Debug)]
pub struct Pattern {
    kind: Kind,
    cased: bool,
    shown: Box<str>,
}

#[derive(Clone, Debug)]
enum Kind {
    /// `*`
    Anything,
    Literal(Place, Box<str>),
    Glob(Glob),
}

/// What stands between the `*` of a pattern.
#[derive(Clone, Debug)]
struct Glob {
    segments: Vec<Box<[Unit]>>,
    from_start: bool,
    to_end: bool,
}

#[derive(Clone, Copy, Debug)]
enum Unit {
    Char(char),
    One,
    Dash,
}

impl Unit {
    fn takes(self, c: char) -> bool {
        match self {
            Unit::Char(own) => own == c,
            Unit::One => true,
            Unit::Dash => DASHES.contains(&c),
        }
    }
}

impl Pattern {
    /// Of these pieces; `shown` is what people read.
    pub fn new(pieces: &[Piece], cased: bool, shown: &str) -> Self {
        let fold = |text: &str| if cased { text.to_owned() } else { folded(text).into_owned() };
        let from_start = pieces.first() != Some(&Piece::Many);
        let to_end = pieces.last() != Some(&Piece::Many);
        let inner: Vec<&Piece> = {
            let start = pieces.iter().position(|piece| *piece != Piece::Many).unwrap_or(pieces.len());
            let end = pieces.iter().rposition(|piece| *piece != Piece::Many).map_or(start, |last| last + 1);
            pieces[start..end].iter().collect()
        };
        let place = match (from_start, to_end) {
            (true, true) => Place::Whole,
            (true, false) => Place::Start,
            (false, true) => Place::End,
            (false, false) => Place::Anywhere,
        };
        let kind = match inner.as_slice() {
            [] if pieces.is_empty() => Kind::Literal(Place::Whole, Box::default()),
            [] => Kind::Anything,
            [Piece::Literal(text)] => Kind::Literal(place, fold(text).into_boxed_str()),
            inner => Kind::Glob(Glob { segments: segments(inner, fold), from_start, to_end }),
        };
        Self { kind, cased, shown: shown.into() }
    }

    /// True if case matters.
    pub fn is_cased(&self) -> bool {
        self.cased
    }

    /// Where it has to stand, and what people read; `None` for a pattern of its own kind.
    pub fn place(&self) -> Option<Place> {
        match &self.kind {
            Kind::Literal(place, _) => Some(*place),
            _ => None,
        }
    }

    /// What people read.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// True if the text fits, which is folded unless case matters.
    pub fn fits(&self, text: &str) -> bool {
        match &self.kind {
            Kind::Anything => true,
            Kind::Literal(Place::Whole, own) => text == &**own,
            Kind::Literal(Place::Start, own) => text.starts_with(&**own),
            Kind::Literal(Place::End, own) => text.ends_with(&**own),
            Kind::Literal(Place::Anywhere, own) => text.contains(&**own),
            Kind::Glob(glob) => glob.fits(text),
        }
    }
}

fn segments(pieces: &[&Piece], fold: impl Fn(&str) -> String) -> Vec<Box<[Unit]>> {
    let mut segments = vec![Vec::new()];
    for piece in pieces {
        let last = segments.len() - 1;
        match piece {
            Piece::Many => segments.push(Vec::new()),
            Piece::One => segments[last].push(Unit::One),
            Piece::Dash => segments[last].push(Unit::Dash),
            Piece::Literal(text) => segments[last].extend(fold(text).chars().map(Unit::Char)),
        }
    }
    segments.into_iter().filter(|segment| !segment.is_empty()).map(Vec::into_boxed_slice).collect()
}

impl Glob {
    /// Each segment takes the first place where it fits, which leaves the most for those after it: no way back is needed,
    /// and the time is bounded by the product of both lengths.
    fn fits(&self, mut text: &str) -> bool {
        let mut segments = self.segments.as_slice();
        if self.from_start
            && let Some((first, rest)) = segments.split_first()
        {
            let Some(after) = beginning(first, text) else { return false };
            // One segment alone has both ends.
            if rest.is_empty() && self.to_end {
                return after.is_empty();
            }
            (text, segments) = (after, rest);
        }
        let mut last = None;
        if self.to_end {
            (last, segments) = match segments.split_last() {
                Some((last, rest)) => (Some(last), rest),
                None => (None, segments),
            };
        }
        for segment in segments {
            let Some(after) = first_place(segment, text) else { return false };
            text = after;
        }
        last.is_none_or(|last| {
            let start = text.char_indices().rev().nth(last.len() - 1);
            start.is_some_and(|(start, _)| beginning(last, &text[start..]).is_some())
        })
    }
}

/// What follows the segment, if the text begins with it.
fn beginning<'t>(segment: &[Unit], text: &'t str) -> Option<&'t str> {
    let mut chars = text.chars();
    segment.iter().all(|unit| chars.next().is_some_and(|c| unit.takes(c))).then_some(chars.as_str())
}

/// What follows the segment at the first place where it stands in the text.
fn first_place<'t>(segment: &[Unit], text: &'t str) -> Option<&'t str> {
    text.char_indices().find_map(|(start, _)| beginning(segment, &text[start..]))
}
