use super::{
    event::{Event, Item},
    ir::{Expr, Predicate, Rule, Test, in_network},
    number::Number,
    pattern::Place,
};

impl Rule {
    /// True if the event fulfils the rule's condition. Says nothing of log sources.
    pub fn matches(&self, event: &Event<'_>) -> bool {
        self.holds(&self.condition, event)
    }

    pub(super) fn holds(&self, expr: &Expr, event: &Event<'_>) -> bool {
        match expr {
            Expr::And(all) => all.iter().all(|expr| self.holds(expr, event)),
            Expr::Or(any) => any.iter().any(|expr| self.holds(expr, event)),
            Expr::AtLeast(number, of) => {
                of.iter().filter(|expr| self.holds(expr, event)).take(*number).count() == *number
            }
            Expr::Not(expr) => !self.holds(expr, event),
            Expr::Selection(number) => {
                self.selections.get(*number).is_some_and(|expr| self.holds(expr, event))
            }
            Expr::Is(predicate) => predicate.holds(event),
        }
    }
}

impl Predicate {
    /// True if the event fulfils it.
    pub fn holds(&self, event: &Event<'_>) -> bool {
        match (&self.test, self.field) {
            (Test::Exists(wanted), Some(field)) => event.has(field) == *wanted,
            (Test::Null, Some(field)) => {
                let values = event.values(field);
                values.iter().any(|item| item.value.is_null()) || (values.is_empty() && !event.has(field))
            }
            _ => self.fulfilling(event).is_some(),
        }
    }

    /// The first value that fulfils it.
    pub(super) fn fulfilling<'v, 'e>(&self, event: &'v Event<'e>) -> Option<&'v Item<'e>> {
        let items = match self.field {
            Some(field) => event.values(field),
            None => event.whole(),
        };
        items.iter().find(|item| self.test.fulfilled(item, event))
    }
}

impl Test {
    fn fulfilled(&self, item: &Item<'_>, event: &Event<'_>) -> bool {
        match self {
            Test::Text(pattern) if pattern.is_cased() => item.text().is_some_and(|text| pattern.fits(text)),
            Test::Text(pattern) => item.folded().is_some_and(|text| pattern.fits(text)),
            Test::Number(wanted) => {
                Number::of(item.value).and_then(|own| own.compare(*wanted)).is_some_and(|order| order.is_eq())
            }
            Test::Bool(wanted) => {
                item.folded().is_some_and(|text| text == if *wanted { "true" } else { "false" })
            }
            Test::Null => item.value.is_null(),
            Test::Exists(wanted) => *wanted,
            Test::Compare(comparison, than) => Number::of(item.value)
                .and_then(|own| own.compare(*than))
                .is_some_and(|order| comparison.holds(order)),
            Test::Matches(regex) => item.text().is_some_and(|text| regex.is_match(text)),
            Test::InNetwork(network) => item.text().is_some_and(|text| in_network(network, text)),
            Test::SameAs { other, place, cased } => {
                event.values(*other).iter().any(|other| same(item, other, *place, *cased))
            }
            Test::Time(part, comparison, than) => {
                part.of(item.value).is_some_and(|own| comparison.holds(own.cmp(than)))
            }
        }
    }
}

fn same(item: &Item<'_>, other: &Item<'_>, place: Place, cased: bool) -> bool {
    let (own, other) = match cased {
        true => (item.text(), other.text()),
        false => (item.folded(), other.folded()),
    };
    let (Some(own), Some(other)) = (own, other) else { return false };
    match place {
        Place::Whole => own == other,
        Place::Start => own.starts_with(other),
        Place::End => own.ends_with(other),
        Place::Anywhere => own.contains(other),
    }
}
