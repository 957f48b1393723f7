//! Jobs: enqueue, claim, extend, settle, rescue; the worker loop.
