//! Mistakes that can be planted in a program, so that a test can show that it would see them. Nothing that serves
//! requests uses this.

/// Which mistakes to plant; none by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Planted {
    /// Rules of the same value are all evaluated, however many have succeeded.
    pub no_early_exit: bool,
    /// Every rule is visited, also where OPA's rule index says that it can't succeed.
    pub no_index: bool,
    /// The index forgets the last rule that it should name.
    pub wrong_index: bool,
    /// A partial rule is computed whole where one key is asked for.
    pub no_asked_key: bool,
    /// What a rule gave before a `with` is taken for what it gives under it.
    pub memo_through_with: bool,
}
