//! Pages of lists, newest rows first; and the check all texts of requests share.
//!
//! In: a limit and a cursor a stranger sent. Out: the rows after the cursor. Does not know the tables.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::{Config, Error};

/// Which rows of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    limit: u64,
    before: Option<i64>,
}

impl Page {
    /// Reads what a caller asks for.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the limit is not within `page_rows_max`, or the cursor is none of ours.
    pub(crate) fn new(
        config: &Config,
        limit: Option<u64>,
        cursor: Option<&str>,
    ) -> Result<Self, Error> {
        let limit = limit.unwrap_or(config.page_rows);
        if !(1..=config.page_rows_max).contains(&limit) {
            let reason = format!("must be 1 to {}", config.page_rows_max);
            return Err(Error::Invalid { field: "limit", reason });
        }
        let before = cursor.map(|cursor| cursor.parse().ok().filter(|position| *position > 0));
        if before == Some(None) {
            let reason = "must be the `next` of an earlier page".to_owned();
            return Err(Error::Invalid { field: "cursor", reason });
        }
        Ok(Self { limit, before: before.flatten() })
    }

    /// The query for this page and one row more, by which [`Page::cut`] knows whether there is another page.
    pub(crate) fn of<E: EntityTrait>(
        self,
        query: Select<E>,
        position: impl ColumnTrait,
    ) -> Select<E> {
        let query = query.order_by_desc(position).limit(self.limit.saturating_add(1));
        match self.before {
            Some(before) => query.filter(position.lt(before)),
            None => query,
        }
    }

    /// The same of a list that goes upwards; its cursors are where the next page begins.
    pub(crate) fn upwards<E: EntityTrait>(
        self,
        query: Select<E>,
        position: impl ColumnTrait,
    ) -> Select<E> {
        let query = query.order_by_asc(position).limit(self.limit.saturating_add(1));
        match self.before {
            Some(from) => query.filter(position.gte(from)),
            None => query,
        }
    }

    /// Rows that are asked for: those of a page, and one more.
    pub(crate) const fn rows(self) -> u64 {
        self.limit.saturating_add(1)
    }

    /// Takes the extra row off; the cursor of the next page if there was one.
    pub(crate) fn cut<R, C: ToString>(
        self,
        mut rows: Vec<R>,
        position: impl Fn(&R) -> C,
    ) -> (Vec<R>, Option<String>) {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|last| position(last).to_string());
        (rows, next)
    }
}

/// Refuses a text that is empty, too long or holds control characters, which could forge lines where it is printed.
///
/// # Errors
/// [`Error::Invalid`].
pub(crate) fn check_text(field: &'static str, text: &str, chars_max: usize) -> Result<(), Error> {
    let fits = (1..=chars_max).contains(&text.chars().count()) && !text.trim().is_empty();
    if fits && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let reason = format!("must be 1 to {chars_max} characters, none of them control characters");
    Err(Error::Invalid { field, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_and_cursors_out_of_bounds_are_refused() {
        let config = Config::default();
        assert_eq!(Page::new(&config, None, None), Ok(Page { limit: 50, before: None }));
        for (limit, cursor) in
            [(Some(0), None), (Some(201), None), (None, Some("x")), (None, Some("-1"))]
        {
            assert!(matches!(Page::new(&config, limit, cursor), Err(Error::Invalid { .. })));
        }
    }

    #[test]
    fn a_page_ends_with_a_cursor_only_if_there_is_more() {
        let page = Page { limit: 2, before: None };
        assert_eq!(page.cut(vec![9, 7, 4], |n| *n), (vec![9, 7], Some("7".to_owned())));
        assert_eq!(page.cut(vec![9, 7], |n| *n), (vec![9, 7], None));
    }
}
