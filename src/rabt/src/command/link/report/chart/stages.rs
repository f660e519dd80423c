//! What the run cost, stage by stage.

use crate::command::link::report::data::Stage;
use crate::command::link::report::glossary;
use crate::command::link::report::svg::{Anchor, Scale, Svg, length};
use crate::command::link::report::text::{Picture, Text, seconds};

const WIDTH: f64 = 680.0;
const ROW: f64 = 34.0;
const TOP: f64 = 40.0;
const BARS: (f64, f64) = (130.0, 590.0);

/// Draws wall time as a frame and processor time as a bar within or beyond it.
pub(in crate::command::link::report) fn stages(stages: &[Stage]) -> Picture {
    if stages.is_empty() {
        return Picture::default();
    }
    let bottom = TOP + ROW * length(stages);
    let title = Text::new("Time by stage", "الزمن حسب المرحلة");
    let mut svg = Svg::new(WIDTH, bottom + 42.0, title);
    let times = stages
        .iter()
        .flat_map(|stage| [stage.wall_seconds, stage.cpu_seconds]);
    let most = times.fold(0.01, f64::max);
    let scale = Scale::linear((0.0, most), BARS);
    svg.axis_below(&scale, (TOP, bottom), &Text::new("seconds", "ثانية"));
    for (row, stage) in (0_u32..).zip(stages) {
        let top = TOP + ROW * f64::from(row);
        let name = glossary::thing(&stage.name);
        svg.words("label", (BARS.0 - 8.0, top + 21.0), Anchor::End, &name);
        let (cpu, wall) = (scale.at(stage.cpu_seconds), scale.at(stage.wall_seconds));
        let text = seconds(stage.cpu_seconds);
        svg.bar("pos", (BARS.0, top + 6.0), (cpu, top + 17.0), &text);
        svg.number("value", (cpu + 4.0, top + 15.5), Anchor::Start, &text);
        let text = seconds(stage.wall_seconds);
        svg.bar("outline", (BARS.0, top + 19.0), (wall, top + 28.0), &text);
        svg.number("value", (wall + 4.0, top + 28.0), Anchor::Start, &text);
    }
    svg.bar("pos", (360.0, 10.0), (374.0, 24.0), "");
    let cpu = Text::new("processor, all threads", "المعالج، كل الخيوط");
    svg.words("mark", (380.0, 21.0), Anchor::Start, &cpu);
    svg.bar("outline", (530.0, 10.0), (544.0, 24.0), "");
    let wall = Text::new("wall clock", "الزمن الفعلي");
    svg.words("mark", (550.0, 21.0), Anchor::Start, &wall);
    svg.finish()
}
