//! The Gregorian calendar, for any year.

use std::fmt::{self, Display, Formatter};

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Date {
    pub year: usize,
    /// From 1 on.
    pub month: usize,
    /// From 1 on.
    pub day: usize,
}

/// Days of 400 years, after which the calendar repeats.
const DAYS_OF_ERA: usize = 146_097;

impl Date {
    pub fn new_year(year: usize) -> Self {
        Self { year, month: 1, day: 1 }
    }

    /// Days since 1 March of the year 0, for a day from then on. A year begins in March here, so that its last day is the
    /// one that some years lack ([Hinnant](https://howardhinnant.github.io/date_algorithms.html#days_from_civil)).
    pub fn day_number(self) -> usize {
        let Self { year, month, day } = self;
        let year = if month <= 2 { year - 1 } else { year };
        let month_from_march = (month + 9) % 12;
        let (era, year_of_era) = (year / 400, year % 400);
        let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
        era * DAYS_OF_ERA + 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year
    }

    /// The day of this number.
    pub fn of_day_number(number: usize) -> Self {
        let (era, day_of_era) = (number / DAYS_OF_ERA, number % DAYS_OF_ERA);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = (month_from_march + 2) % 12 + 1;
        let year = 400 * era + year_of_era + usize::from(month <= 2);
        Self { year, month, day }
    }

    /// From Monday, which is 0.
    pub fn weekday(self) -> usize {
        // 1 March of the year 0 was a Wednesday.
        (self.day_number() + 2) % 7
    }
}

impl Display for Date {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_four_hundred_years_follows_the_one_before() {
        let mut date = Date::new_year(1800);
        let first = date.day_number();
        for number in first..first + DAYS_OF_ERA {
            assert_eq!((date.day_number(), Date::of_day_number(number)), (number, date));
            let is_leap = date.year.is_multiple_of(4)
                && (!date.year.is_multiple_of(100) || date.year.is_multiple_of(400));
            let n_days = match date.month {
                2 => 28 + usize::from(is_leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            date = match (date.day == n_days, date.month) {
                (false, _) => Date { day: date.day + 1, ..date },
                (true, 12) => Date::new_year(date.year + 1),
                (true, month) => Date { month: month + 1, day: 1, ..date },
            };
        }
    }

    #[test]
    fn weekdays_are_those_that_history_knows() {
        // The moon landing, the fall of the wall, and the first day of the century.
        for (year, month, day, weekday) in
            [(1969, 7, 20, 6), (1989, 11, 9, 3), (2000, 1, 1, 5), (1987, 3, 3, 1)]
        {
            assert_eq!(Date { year, month, day }.weekday(), weekday, "{year}-{month}-{day}");
        }
    }
}
