/// Rows that a statement inserts. Few sizes, so that each statement's text stays prepared.
const SIZES: [usize; 4] = [64, 16, 4, 1];

/// The sizes of the statements that insert so many rows, in order.
pub(crate) fn sizes(mut rows: usize) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= rows)?;
        rows -= size;
        Some(size)
    })
}

#[cfg(test)]
mod tests {
    use super::sizes;

    #[test]
    fn every_row_is_inserted_by_few_statements() {
        for rows in 0..300 {
            assert_eq!(sizes(rows).sum::<usize>(), rows);
        }
        assert_eq!(sizes(85).collect::<Vec<_>>(), [64, 16, 4, 1]);
        assert_eq!(sizes(0).count(), 0);
    }
}
