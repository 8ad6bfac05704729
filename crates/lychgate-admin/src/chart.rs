//! Sign-ins and failures by day, as bars. Drawn here, so that the page needs no script; a table below it says the same.

use std::fmt::Write as _;

/// One day of the picture.
#[derive(Clone, Debug)]
pub(crate) struct Day {
    /// `YYYY-MM-DD`.
    pub(crate) day: String,
    pub(crate) good: i64,
    pub(crate) bad: i64,
}

const HEIGHT: i64 = 120;
const STEP: i64 = 48;

/// The picture as SVG. It holds numbers and dates of our own only.
pub(crate) fn bars(days: &[Day]) -> String {
    let most = days.iter().map(|day| day.good.max(day.bad)).max().unwrap_or(0).max(1);
    let count = i64::try_from(days.len()).unwrap_or(0);
    let (width, floor) = (count * STEP, HEIGHT - 18);
    let mut svg = format!("<svg class=\"chart\" viewBox=\"0 0 {width} {HEIGHT}\" role=\"img\" aria-hidden=\"true\">");
    for (at, day) in (0..).zip(days) {
        let tall = |value: i64| value * (floor - 8) / most;
        for (offset, class, value) in [(8, "good", day.good), (24, "bad", day.bad)] {
            let (x, height) = (at * STEP + offset, tall(value));
            let y = floor - height;
            // Writing to a String cannot fail.
            let _ =
                write!(svg, "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"14\" height=\"{height}\" rx=\"2\"/>");
        }
        let (x, label) = (at * STEP + 23, day.day.get(8..).unwrap_or_default());
        let y = HEIGHT - 4;
        let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{label}</text>");
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stay_within_the_picture() {
        let day = |good, bad| Day { day: "2026-11-22".to_owned(), good, bad };
        let svg = bars(&[day(0, 0), day(7, 1_000_000), day(i64::from(u32::MAX), 3)]);
        assert_eq!(svg.matches("<rect").count(), 6);
        assert!(svg.contains("height=\"94\"") && !svg.contains("height=\"-"), "{svg}");
        assert!(bars(&[]).ends_with("</svg>"));
    }
}
