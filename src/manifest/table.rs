//! Tables of the file with fixed keys.
//!
//! In: a declaration of keys, their types and what they mean. Out: a struct that reads itself key by key, inherits
//! from another of its kind, and carries its part of the JSON Schema.

use super::suggest;
use super::value::{At, Place, Value, entries};
use crate::problem::Problem;
use toml::Spanned;
use toml::de::{DeString, DeValue};

/// What stands at a key.
#[derive(Debug, Clone, Default)]
pub(super) enum Field<T> {
    /// Nothing.
    #[default]
    Absent,
    /// Something that cannot be used; its problem has been told already.
    Wrong,
    /// A value.
    Given(Spanned<T>),
}

impl<T: Value> Field<T> {
    /// Reads what stands at the key.
    pub(super) fn read(at: At, place: &Place, problems: &mut Vec<Problem>) -> Self {
        T::read(at, place, problems).map_or(Self::Wrong, |value| Self::Given(Spanned::new(at.span(), value)))
    }

    /// What stands here; where nothing does, what `base` has.
    pub(super) fn over(self, base: &Self) -> Self
    where
        T: Clone,
    {
        match (self, base) {
            (Self::Given(own), Self::Given(base)) => {
                Self::Given(Spanned::new(own.span(), own.into_inner().over(base.get_ref())))
            }
            (Self::Absent, base) => base.clone(),
            (own, _) => own,
        }
    }
}

impl<T> Field<T> {
    /// The value with its position, if there is a usable one.
    pub(super) fn given(&self) -> Option<&Spanned<T>> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Wrong => None,
        }
    }

    /// The value alone, if there is a usable one.
    pub(super) fn value(&self) -> Option<&T> {
        self.given().map(Spanned::get_ref)
    }

    /// Whether nothing was written here.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// A table with fixed keys.
pub(super) trait Table: Default {
    /// With its article, for messages: `a pod`.
    const KIND: &'static str;
    /// Every key it knows.
    const KEYS: &'static [&'static str];

    /// Reads one key; `false` if there is no such key.
    fn set(&mut self, key: &str, at: At, place: &Place, problems: &mut Vec<Problem>) -> bool;

    /// Treats a key as wrong rather than absent: something was meant to stand there.
    fn spoil(&mut self, key: &str);
}

/// Reads a table key by key, so that one wrong value hides no other.
pub(super) fn read<T: Table>(at: At, place: &Place, problems: &mut Vec<Problem>) -> Option<T> {
    let mut read = T::default();
    let mut dotted = false;
    for (key, value) in entries(at, place, problems)? {
        let name = key.get_ref();
        if read.set(name, value, &place.inside(name), problems) {
            continue;
        }
        if has_keys_of::<T>(value.get_ref()) {
            problems.push(dotted_name(key, place));
            dotted = true;
            continue;
        }
        problems.push(unknown::<T>(key, value, place));
        if let Some(meant) = suggest::near(name, T::KEYS.iter().copied()) {
            read.spoil(meant);
        }
    }
    (!dotted).then_some(read)
}

fn has_keys_of<T: Table>(value: &DeValue) -> bool {
    let DeValue::Table(table) = value else { return false };
    table.keys().any(|key| T::KEYS.contains(&key.get_ref().as_ref()))
}

/// `[models.qwen2.5]` is a table `5` in a table `qwen2`.
fn dotted_name(key: &Spanned<DeString>, place: &Place) -> Problem {
    let (table, name) = (place.as_table(), key.get_ref());
    let (above, last) = table.rsplit_once('.').unwrap_or(("", &table));
    let message = format!("[{table}.{name}] is a table in the table [{table}]");
    let help = format!("a name with a dot in it needs quotes: [{above}.\"{last}.{name}\"]");
    Problem::new(message, key.span(), "behind a dot").help(help)
}

fn unknown<T: Table>(key: &Spanned<DeString>, value: At, place: &Place) -> Problem {
    let (name, table) = (key.get_ref(), place.as_table());
    let message = if table.is_empty() {
        format!("unknown key `{name}`")
    } else {
        format!("unknown key `{name}` in [{table}]")
    };
    let help =
        suggest::gone(name, T::KIND).unwrap_or_else(|| suggest::key(name, T::KIND, T::KEYS, place.tables));
    let problem = Problem::new(message, key.span(), format!("{} has no such key", T::KIND)).help(help);
    // a key of this name may hold a secret, and reports end up in CI logs
    if suggest::sounds_secret(name) { problem.hiding(value.span()) } else { problem }
}

/// The key that a field is named for: `type` for `r#type`.
pub(super) const fn bare(field: &str) -> &str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

/// Declares a table: its keys become fields, their comments the schema's descriptions.
macro_rules! table {
    (
        $(#[$doc:meta])*
        $name:ident is $kind:literal {
            $( $(#[$about:meta])* $key:ident: $type:ty, )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, schemars::JsonSchema)]
        #[schemars(deny_unknown_fields)]
        pub(super) struct $name {
            $( $(#[$about])* pub(super) $key: $crate::manifest::table::Field<$type>, )*
        }

        impl $crate::manifest::table::Table for $name {
            const KIND: &'static str = $kind;
            const KEYS: &'static [&'static str] = &[$($crate::manifest::table::bare(stringify!($key))),*];

            fn set(&mut self, key: &str, at: At, place: &Place, problems: &mut Vec<Problem>) -> bool {
                $(
                    if key == $crate::manifest::table::bare(stringify!($key)) {
                        self.$key = Field::read(at, place, problems);
                        return true;
                    }
                )*
                false
            }

            fn spoil(&mut self, key: &str) {
                $(
                    if key == $crate::manifest::table::bare(stringify!($key)) && self.$key.is_absent() {
                        self.$key = Field::Wrong;
                    }
                )*
            }
        }

        impl $crate::manifest::value::Value for $name {
            const TABLE: bool = true;

            fn read(at: At, place: &Place, problems: &mut Vec<Problem>) -> Option<Self> {
                $crate::manifest::table::read(at, place, problems)
            }

            fn over(self, base: &Self) -> Self {
                Self { $( $key: self.$key.over(&base.$key), )* }
            }
        }
    };
}
pub(super) use table;
