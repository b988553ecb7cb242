//! Bars over time, as numbers for a drawing.

/// The size of a drawing.
const WIDTH: u64 = 480;
const HEIGHT: u64 = 140;

/// How high the highest bar is; below it there is room for what the ends are called.
const GROUND: u64 = 122;

/// Bars over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chart {
    pub(crate) title: &'static str,
    pub(crate) width: u64,
    pub(crate) height: u64,
    pub(crate) ground: u64,
    /// The highest value.
    pub(crate) most: String,
    /// What the first and the last stretch are called.
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) bars: Vec<Bar>,
}

/// One bar; a part of it may be marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) x: u64,
    pub(crate) y: u64,
    pub(crate) width: u64,
    pub(crate) height: u64,
    pub(crate) marked: u64,
    pub(crate) marked_y: u64,
}

impl Chart {
    /// Draws values with what their stretch is called and how much of each is marked.
    pub(crate) fn new(
        title: &'static str,
        write: fn(u64) -> String,
        values: Vec<(String, u64, u64)>,
    ) -> Self {
        let most = values.iter().map(|(_, value, _)| *value).max().unwrap_or(0);
        let room = WIDTH / u64::try_from(values.len()).unwrap_or(1).max(1);
        let name = |value: Option<&(String, u64, u64)>| {
            value.map(|(name, _, _)| name.clone()).unwrap_or_default()
        };
        let (first, last) = (name(values.first()), name(values.last()));
        let bars = (0..)
            .step_by(usize::try_from(room).unwrap_or(1))
            .zip(values);
        let bars = bars.map(|(x, (name, value, marked))| {
            let height = scaled(value, most);
            let marked = scaled(marked.min(value), most);
            Bar {
                label: format!("{name}: {}", write(value)),
                x,
                y: GROUND - height,
                width: (room * 4 / 5).max(1),
                height,
                marked,
                marked_y: GROUND - marked,
            }
        });
        Self {
            title,
            width: WIDTH,
            height: HEIGHT,
            ground: GROUND,
            most: write(most),
            first,
            last,
            bars: bars.collect(),
        }
    }
}

/// How high a value stands; what is there at all is seen.
fn scaled(value: u64, most: u64) -> u64 {
    let height = u128::from(value) * u128::from(GROUND) / u128::from(most.max(1));
    let height = u64::try_from(height).unwrap_or(GROUND).min(GROUND);
    height.max(u64::from(value > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_bar_fills_the_drawing_and_small_ones_are_seen() {
        let value = |name: &str, value, marked| (name.to_owned(), value, marked);
        let values = vec![
            value("a", 1, 0),
            value("b", u64::MAX, u64::MAX / 2),
            value("c", 0, 7),
        ];
        let chart = Chart::new("x", |number| number.to_string(), values);
        let sizes: Vec<_> = chart
            .bars
            .iter()
            .map(|bar| (bar.x, bar.y + bar.height, bar.height, bar.marked))
            .collect();
        assert_eq!(
            sizes,
            [(0, 122, 1, 0), (160, 122, 122, 60), (320, 122, 0, 0)]
        );
        assert_eq!((chart.first.as_str(), chart.last.as_str()), ("a", "c"));
        assert_eq!(chart.bars[0].label, "a: 1");
    }

    #[test]
    fn nothing_is_drawn_too() {
        let none = Chart::new("x", |number| number.to_string(), Vec::new());
        assert!(none.bars.is_empty());
        assert_eq!(none.most, "0");
    }
}
