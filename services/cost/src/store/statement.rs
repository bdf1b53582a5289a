//! A statement whose text depends on the request. Only its parts that are fixed are text; values are bound.

/// Text of a statement and what is bound to its placeholders.
#[derive(Default)]
pub(super) struct Statement {
    pub text: String,
    pub binds: Vec<Bind>,
}

/// A bound value.
pub(super) enum Bind {
    Text(String),
    Integer(i64),
}

impl Statement {
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub fn bind_text(&mut self, text: &str) {
        self.binds.push(Bind::Text(text.to_owned()));
        self.placeholder();
    }

    pub fn bind(&mut self, number: i64) {
        self.binds.push(Bind::Integer(number));
        self.placeholder();
    }

    fn placeholder(&mut self) {
        self.text.push_str(&format!("${}", self.binds.len()));
    }
}

/// Runs a [`Statement`] and gives all rows.
macro_rules! fetch_all {
    ($tx:expr, $statement:expr, $row:ty) => {
        on_engine!($tx, conn => {
            let mut query = sqlx::query_as::<_, $row>(sqlx::AssertSqlSafe($statement.text.clone()));
            for bind in &$statement.binds {
                query = match bind {
                    $crate::store::statement::Bind::Text(text) => query.bind(text),
                    $crate::store::statement::Bind::Integer(number) => query.bind(*number),
                };
            }
            query.fetch_all(conn).await
        })
    };
}
pub(super) use fetch_all;
