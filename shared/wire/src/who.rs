//! Who asks the house for something.
//!
//! In: nothing. Out: [`Who`]. Does not know credentials.

/// Whoever asks, once it is known by which right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The house's administrator.
    House,
    /// The account of this name.
    Account(String),
}

impl Who {
    /// The account that owns what is made; `None`: the house does.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::House => None,
            Self::Account(name) => Some(name),
        }
    }

    /// Whether this one may know of what `owner` has; `None` is the house.
    #[must_use]
    pub fn may_see(&self, owner: Option<&str>) -> bool {
        match self {
            Self::House => true,
            Self::Account(name) => owner == Some(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_sees_its_own_alone_and_the_house_sees_all() {
        let anna = Who::Account("anna".to_owned());
        assert!(anna.may_see(Some("anna")));
        assert!(!anna.may_see(Some("ann")) && !anna.may_see(None));
        assert!(Who::House.may_see(Some("anna")) && Who::House.may_see(None));
    }
}
