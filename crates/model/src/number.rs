//! A number that a config sets, checked without a cast.

use std::fmt::Display;

/// A number of any type, so that a setting is checked and shown as what it is: [`ModelError::check_number`].
///
/// [`ModelError::check_number`]: crate::ModelError::check_number
pub trait Number: Copy + Display {
    /// Whether it is neither NaN nor infinite.
    fn is_finite(self) -> bool;
}

/// The type's own `is_finite`, and integers, which have none.
macro_rules! number {
    ($($float:ident)+; $($integer:ident)+) => {
        $(impl Number for $float {
            fn is_finite(self) -> bool {
                $float::is_finite(self)
            }
        })+
        $(impl Number for $integer {
            fn is_finite(self) -> bool {
                true
            }
        })+
    };
}

number!(f32 f64; i8 i16 i32 i64 isize u8 u16 u32 u64 usize);
