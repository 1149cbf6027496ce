//! Sound in memory and on disk.
