//! SMPTE timecode: hours, minutes, seconds and frames, with and without dropped numbers.

use std::str::FromStr;

use crate::error::Error;

/// Frames per second, as a fraction: 23.976 is 24000/1001.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameRate {
    frames: u32,
    seconds: u32,
}

impl FrameRate {
    /// NTSC's 29.97.
    pub const NTSC: Self = Self { frames: 30_000, seconds: 1001 };

    /// Frames that a second of timecode counts.
    fn nominal(self) -> u32 {
        self.frames.div_ceil(self.seconds)
    }

    /// Frame numbers that drop-frame timecode leaves out at the beginning of every minute but each tenth.
    fn dropped(self) -> Option<u32> {
        let drops = self.seconds == 1001 && self.nominal().is_multiple_of(30);
        drops.then(|| self.nominal() / 15)
    }
}

impl FromStr for FrameRate {
    type Err = Error;

    /// `24`, `25`, `23.976`, `29.97`, `59.94` and so on.
    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = || Error::Request {
            what: "fps",
            problem: format!("{text:?} is no frame rate; give one such as 24, 25, 23.976 or 29.97"),
        };
        let rate: f64 = text.trim().parse().map_err(|_| refuse())?;
        let whole = rate.ceil();
        if !(1.0..=240.0).contains(&whole) {
            return Err(refuse());
        }
        if rate == whole {
            return Ok(Self { frames: whole as u32, seconds: 1 });
        }
        // 23.976, 23.98 and 23.9760239 all mean 24000/1001.
        let slowed = whole * 1000.0 / 1001.0;
        if (rate - slowed).abs() < 0.006 {
            Ok(Self { frames: whole as u32 * 1000, seconds: 1001 })
        } else {
            Err(refuse())
        }
    }
}

/// The time in seconds that `text` (`01:00:03:12`) shows; a `;` or `drop` counts by drop-frame rules.
pub fn seconds(text: &str, rate: FrameRate, drop: bool) -> Result<f64, String> {
    let drop = drop || text.contains([';', ',']);
    let parts: Vec<u32> =
        text.split([':', ';', ',', '.']).map(str::parse).collect::<Result<_, _>>().map_err(|_| bad(text))?;
    let &[hours, minutes, second, frame] = &parts[..] else { return Err(bad(text)) };
    if minutes > 59 || second > 59 || hours > 99 {
        return Err(bad(text));
    }
    if frame >= rate.nominal() {
        return Err(format!("{text} has a frame {frame}, but there are {} to the second", rate.nominal()));
    }
    let minutes = hours * 60 + minutes;
    let mut frames = u64::from(minutes * 60 + second) * u64::from(rate.nominal()) + u64::from(frame);
    if drop {
        let Some(dropped) = rate.dropped() else {
            return Err(format!("{text} is drop-frame timecode, which only 29.97 and 59.94 have; give another --fps"));
        };
        if second == 0 && frame < dropped && minutes % 10 != 0 {
            return Err(format!("{text} is a number that drop-frame timecode leaves out"));
        }
        frames -= u64::from(dropped) * u64::from(minutes - minutes / 10);
    }
    Ok(frames as f64 * f64::from(rate.seconds) / f64::from(rate.frames))
}

fn bad(text: &str) -> String {
    format!("{text:?} is no timecode; write hours:minutes:seconds:frames")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn drop_frame_timecode_keeps_to_the_clock() {
        let at = |text| seconds(text, FrameRate::NTSC, false).unwrap();
        // Ten minutes of timecode are 17 982 frames, the hour is short by 3.6 ms.
        assert_eq!((at("00:10:00;00") * 30_000.0 / 1001.0).round(), 17_982.0);
        assert!((at("01:00:00;00") - 3600.0).abs() < 0.004);
        let frame = 1001.0 / 30_000.0;
        assert!((at("00:01:00;02") - at("00:00:59;29") - frame).abs() < 1e-9);
        assert!((at("00:10:00;00") - at("00:09:59;29") - frame).abs() < 1e-9);
        // Without dropping, an hour of timecode lasts 3.6 s longer.
        assert!((at("01:00:00:00") - 3603.6).abs() < 1e-9);
        assert_eq!(seconds("01:00:00:00", FrameRate::NTSC, true).unwrap(), at("01:00:00;00"));
    }

    #[test]
    fn whole_rates_are_exact() {
        let rate = |text: &str| text.parse::<FrameRate>().unwrap();
        assert_eq!(seconds("01:02:03:12", rate("24"), false).unwrap(), 3723.5);
        assert_eq!(rate("23.98"), rate("23.976"));
        assert!((seconds("00:00:10:00", rate("23.976"), false).unwrap() - 10.01).abs() < 1e-9);
    }

    #[test]
    fn what_is_no_timecode_is_refused() {
        let rate = FrameRate::NTSC;
        for text in ["", "1", "00:00:00", "00:60:00:00", "00:00:00:30", "a:b:c:d", "00:01:00;00", "00:01:00;01"] {
            assert!(seconds(text, rate, false).is_err(), "{text}");
        }
        assert!(seconds("00:00:00;00", "25".parse().unwrap(), false).unwrap_err().contains("--fps"));
        for text in ["0", "-1", "x", "24.5", "1e9", "NaN"] {
            assert!(text.parse::<FrameRate>().is_err(), "{text}");
        }
    }
}
