//! The promise: our own database may fail, end our connections, be full, or come back from a backup, and nobody is worse off:
//! no letter is called poison for it, nothing is erased or said twice, and whoever looks is told what it is.

mod away;
mod disk;
mod process;
mod restored;
mod schema;
mod trail;
mod unmarked;
mod withdrawn;
