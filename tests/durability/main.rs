//! What was acknowledged stays: across `kill -9` at any moment, with a torn log, on a full disk, and through an orderly
//! end under load.

mod disk;
mod drain;
mod kills;
mod mixed;
