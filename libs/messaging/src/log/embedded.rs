//! Placeholder for the build of the skeleton.
