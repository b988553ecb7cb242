//! The table that is printed, a row as soon as it is known.

use crate::sample::Sample;

/// What the values of a row are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    Seconds,
    Megabytes,
    PerSecond,
    Times,
    Instructions,
}

/// What a row may be at the most, or has to be at least.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Budget {
    None,
    Median(f64),
    MedianAndTail(f64, f64),
    AtLeast(f64),
}

/// The table so far.
#[derive(Debug)]
pub(crate) struct Table {
    over: Vec<String>,
}

impl Table {
    pub(crate) fn begin() -> Self {
        println!();
        line("what", "median", "p99", "values", "budget", "");
        line(&"-".repeat(64), "------", "---", "------", "------", "");
        Self { over: Vec::new() }
    }

    /// Adds a row. The tail of what should be large is its smallest hundredth.
    pub(crate) fn row(&mut self, what: &str, unit: Unit, sample: &Sample, budget: Budget) {
        let median = sample.median();
        let tail = match unit {
            Unit::PerSecond => sample.quantile(1),
            Unit::Seconds | Unit::Megabytes | Unit::Times | Unit::Instructions => {
                sample.quantile(99)
            }
        };
        let (kept, text) = match budget {
            Budget::None => (true, String::new()),
            Budget::Median(most) => (median <= most, format!("≤ {}", unit.show(most))),
            Budget::MedianAndTail(most, rarely) => (
                median <= most && tail <= rarely,
                format!("≤ {}, {}", unit.show(most), unit.show(rarely)),
            ),
            Budget::AtLeast(least) => (median >= least, format!("≥ {}", unit.show(least))),
        };
        let verdict = if kept { "" } else { "OVER" };
        if !kept {
            self.over.push(what.to_owned());
        }
        let values = sample.len().to_string();
        let (median, tail) = (unit.show(median), unit.show(tail));
        line(what, &median, &tail, &values, &text, verdict);
    }

    /// Says what is over its budget.
    pub(crate) fn end(self) {
        println!();
        match self.over.len() {
            0 => println!("every row keeps to its budget"),
            rows => println!("{rows} over budget: {}", self.over.join("; ")),
        }
    }
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Seconds if value.abs() < 1e-6 => format!("{:.0} ns", value * 1e9),
            Self::Seconds if value.abs() < 1e-3 => format!("{:.1} µs", value * 1e6),
            Self::Seconds if value.abs() < 1.0 => format!("{:.2} ms", value * 1e3),
            Self::Seconds => format!("{value:.2} s"),
            Self::Megabytes => format!("{value:.1} MB"),
            Self::PerSecond => format!("{value:.0}/s"),
            Self::Times => format!("{value:.3} ×"),
            Self::Instructions if value < 1e6 => format!("{:.1} k", value / 1e3),
            Self::Instructions => format!("{:.2} M", value / 1e6),
        }
    }
}

fn line(what: &str, median: &str, tail: &str, values: &str, budget: &str, verdict: &str) {
    let row = format!("{what:<64} {median:>10} {tail:>10} {values:>7}  {budget:<20} {verdict}");
    println!("{}", row.trim_end());
}
