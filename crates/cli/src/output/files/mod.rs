//! What the commands write as files for people: pages and pictures.

pub mod page_file;
pub mod picture_files;
pub mod replaceable;
