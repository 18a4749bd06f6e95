//! Browsers that have completed a sign-in of a person before.
