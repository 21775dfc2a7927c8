//! What this host lacks.
