//! A table of the document while it is filled.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::Value;
use crate::span::At;

/// A table, in the order in which it is filled.
#[derive(Debug, Default)]
pub(super) struct Sheet<'t>(DeTable<'t>);

impl<'t> Sheet<'t> {
    pub(super) fn of(table: DeTable<'t>) -> Self {
        Self(table)
    }

    pub(super) fn put(&mut self, key: &str, span: Range<usize>, value: Value<'t>) {
        let key = Spanned::new(span, Cow::Owned(key.to_owned()));
        self.0.insert(key, value);
    }

    pub(super) fn put_text(
        &mut self,
        key: &str,
        span: Range<usize>,
        text: &str,
        place: Range<usize>,
    ) {
        self.put(key, span, text_value(text.to_owned(), place));
    }

    pub(super) fn put_texts(&mut self, key: &str, span: Range<usize>, texts: Vec<At<String>>) {
        let value = list_value(texts, span.clone());
        self.put(key, span, value);
    }

    pub(super) fn put_table(&mut self, key: &str, span: Range<usize>, table: Self) {
        let value = Spanned::new(span.clone(), DeValue::Table(table.0));
        self.put(key, span, value);
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_table(self) -> DeTable<'t> {
        self.0
    }
}

pub(super) fn text_value<'t>(text: String, span: Range<usize>) -> Value<'t> {
    Spanned::new(span, DeValue::String(Cow::Owned(text)))
}

pub(super) fn list_value<'t>(texts: Vec<At<String>>, span: Range<usize>) -> Value<'t> {
    let mut list = DeArray::new();
    for text in texts {
        list.push(text_value(text.value, text.span));
    }
    Spanned::new(span, DeValue::Array(list))
}
