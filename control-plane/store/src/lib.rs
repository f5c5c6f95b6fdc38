//! Storage infrastructure of the control plane: pools, migrations, sealed secrets, the data folder.
