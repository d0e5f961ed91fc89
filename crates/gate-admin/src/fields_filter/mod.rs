//! `?fields=a,b.c,*,d:excerpt(200,true)`: which members of an answer the caller wants (contract §1.1).

mod excerpt;
mod layer;
mod parse;
mod pick;

pub(crate) use layer::apply;
pub(crate) use parse::FieldsFilter;
