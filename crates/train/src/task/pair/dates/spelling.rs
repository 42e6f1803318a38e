//! The ways in which a date is written.

use super::calendar::Date;

/// Each names one date: what could be day or month is told by what stands between.
pub(super) const SPELLINGS: [fn(&Date) -> String; 16] = [
    |date| format!("{}, {} {} {}", weekday(date), date.day, month(date), date.year),
    |date| format!("{} {} {}", date.day, month(date), date.year),
    |date| format!("{} {}, {}", month(date), date.day, date.year),
    |date| format!("{} {} {}", date.day, short_month(date), date.year),
    |date| format!("{} {}, {}", short_month(date), date.day, date.year),
    |date| format!("{}, {} {} {}", short_weekday(date), date.day, short_month(date), date.year),
    |date| format!("{} {} {} {}", short_weekday(date), short_month(date), date.day, date.year),
    |date| format!("{} of {} {}", ordinal(date), month(date), date.year),
    |date| format!("the {} of {}, {}", ordinal(date), month(date), date.year),
    |date| format!("{} {}, {}", month(date), ordinal(date), date.year),
    |date| format!("{}-{}-{}", date.day, short_month(date), date.year),
    |date| format!("{} {} {}", date.year, month(date), date.day),
    |date| format!("{}.{}.{}", date.day, date.month, date.year),
    |date| format!("{:02}.{:02}.{}", date.day, date.month, date.year),
    |date| format!("{:02}/{:02}/{}", date.month, date.day, date.year),
    |date| format!("{}{:02}{:02}", date.year, date.month, date.day),
];

/// Characters of `Wednesday, 30 September 1987`.
pub(super) const LONGEST: usize = 28;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Letters of a name that is cut short.
const N_LETTERS: usize = 3;

fn month(date: &Date) -> &'static str {
    MONTHS[date.month - 1]
}

fn short_month(date: &Date) -> &'static str {
    &month(date)[..N_LETTERS]
}

fn weekday(date: &Date) -> &'static str {
    WEEKDAYS[date.weekday()]
}

fn short_weekday(date: &Date) -> &'static str {
    &weekday(date)[..N_LETTERS]
}

fn ordinal(date: &Date) -> String {
    let ending = match (date.day % 10, date.day / 10) {
        (_, 1) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{}{ending}", date.day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_spelled_as_people_write_it() {
        let of = |year, month, day| SPELLINGS.map(|spelling| spelling(&Date { year, month, day }));
        let expected = [
            "Tuesday, 3 March 1987",
            "3 March 1987",
            "March 3, 1987",
            "3 Mar 1987",
            "Mar 3, 1987",
            "Tue, 3 Mar 1987",
            "Tue Mar 3 1987",
            "3rd of March 1987",
            "the 3rd of March, 1987",
            "March 3rd, 1987",
            "3-Mar-1987",
            "1987 March 3",
            "3.3.1987",
            "03.03.1987",
            "03/03/1987",
            "19870303",
        ];
        assert_eq!(of(1987, 3, 3), expected);
        let longest = of(1987, 9, 30).iter().map(String::len).max();
        assert_eq!((of(1987, 9, 30)[0].as_str(), longest), ("Wednesday, 30 September 1987", Some(LONGEST)));
    }

    #[test]
    fn ordinals_have_the_endings_of_their_last_digit_but_for_the_teens() {
        let ordinals = [1, 2, 3, 4, 10, 11, 12, 13, 21, 22, 23, 30, 31]
            .map(|day| ordinal(&Date { year: 2000, month: 1, day }));
        let expected = "1st 2nd 3rd 4th 10th 11th 12th 13th 21st 22nd 23rd 30th 31st";
        assert_eq!(ordinals.join(" "), expected);
    }

    #[test]
    fn no_two_dates_are_spelled_alike() {
        let first = Date::new_year(1999).day_number();
        let mut seen = std::collections::HashMap::new();
        for number in first..first + 1461 {
            let date = Date::of_day_number(number);
            for text in SPELLINGS.map(|spelling| spelling(&date)) {
                assert!(text.len() <= LONGEST, "{text}");
                assert_eq!(*seen.entry(text.clone()).or_insert(date), date, "{text}");
            }
        }
    }
}
