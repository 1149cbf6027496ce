//! Noise schedules and the steps along them, in f64. Knows no model.
