//! Policy bundles, the Engine trait, the decision's input and output.
