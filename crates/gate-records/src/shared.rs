//! Parts of proxies that many of them have alike.

use std::sync::Arc;

/// Parts of proxies that many of them have alike, each once: what thousands of proxies share is in the processor's cache when
/// one of them is asked for that is not.
#[derive(Debug, Default)]
pub(crate) struct Shared<T>(Vec<Arc<T>>);

impl<T: PartialEq> Shared<T> {
    /// The same, shared with the proxies that had it lately.
    pub(crate) fn share(&mut self, part: Arc<T>) -> Arc<T> {
        if let Some(known) = self.0.iter().find(|known| ***known == *part) {
            return Arc::clone(known);
        }
        self.0.truncate(KEPT - 1);
        self.0.insert(0, Arc::clone(&part));
        part
    }
}

/// A comparison each is all it may cost where no two proxies have the same.
const KEPT: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_is_shared_and_what_was_long_ago_is_forgotten() {
        let mut shared = Shared::default();
        let first = shared.share(Arc::new(0));
        assert!(Arc::ptr_eq(&first, &shared.share(Arc::new(0))));
        for other in 1..=KEPT {
            shared.share(Arc::new(other));
        }
        assert_eq!(shared.0.len(), KEPT);
        assert!(!Arc::ptr_eq(&first, &shared.share(Arc::new(0))));
    }
}
