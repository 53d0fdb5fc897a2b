//! What many clients see at once fits together, also when the server is killed under them: who only follows events
//! ends with what a list says, and every answer fits one order of all writes.

mod api;
mod follower;
mod history;
mod registers;
mod search;
mod snapshots;
mod watches;
