//! French in the spelling before 1990: hyphens stand below a hundred alone, and not beside "et".

/// Also what is added to sixty and to four times twenty.
const SMALL: [&str; 20] = [
    "zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze",
    "treize", "quatorze", "quinze", "seize", "dix-sept", "dix-huit", "dix-neuf",
];

/// From twenty to sixty.
const TENS: [&str; 5] = ["vingt", "trente", "quarante", "cinquante", "soixante"];

/// What is counted takes its plural at the end of a number, and not before "mille".
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    End,
    BeforeThousand,
}

pub(super) fn number(number: usize) -> String {
    let thousands = match number / 1000 {
        0 => return below_thousand(number, Place::End),
        1 => "mille".to_owned(),
        thousands => format!("{} mille", below_thousand(thousands, Place::BeforeThousand)),
    };
    match number % 1000 {
        0 => thousands,
        rest => format!("{thousands} {}", below_thousand(rest, Place::End)),
    }
}

fn below_thousand(number: usize, place: Place) -> String {
    let (hundreds, rest) = (number / 100, number % 100);
    match (hundreds, rest) {
        (0, _) => below_hundred(rest, place),
        (1, 0) => "cent".to_owned(),
        (1, _) => format!("cent {}", below_hundred(rest, place)),
        (_, 0) => format!("{} cent{}", SMALL[hundreds], plural(place)),
        _ => format!("{} cent {}", SMALL[hundreds], below_hundred(rest, place)),
    }
}

fn below_hundred(number: usize, place: Place) -> String {
    match number {
        0..20 => SMALL[number].to_owned(),
        80 => format!("quatre-vingt{}", plural(place)),
        81..100 => format!("quatre-vingt-{}", SMALL[number - 80]),
        _ => {
            // Above sixty one counts on to seventy-nine.
            let tens = (number / 10).min(6);
            match number - 10 * tens {
                0 => TENS[tens - 2].to_owned(),
                rest @ (1 | 11) => format!("{} et {}", TENS[tens - 2], SMALL[rest]),
                rest => format!("{}-{}", TENS[tens - 2], SMALL[rest]),
            }
        }
    }
}

fn plural(place: Place) -> &'static str {
    match place {
        Place::End => "s",
        Place::BeforeThousand => "",
    }
}
