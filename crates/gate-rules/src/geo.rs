//! The distance of two places on the earth.

/// Kilometres along the surface of a sphere between two places given in degrees (contract §2.2).
pub(crate) fn distance(lon_a: f64, lat_a: f64, lon_b: f64, lat_b: f64) -> f64 {
    let [lon_a, lat_a, lon_b, lat_b] = [lon_a, lat_a, lon_b, lat_b].map(f64::to_radians);
    let cosine = lat_a.cos() * lat_b.cos() * (lon_b - lon_a).cos() + lat_a.sin() * lat_b.sin();
    // Rounding takes the cosine of one and the same place above 1.
    EARTH_RADIUS_KM * cosine.clamp(-1.0, 1.0).acos()
}

/// The mean radius, as PocketBase has it.
const EARTH_RADIUS_KM: f64 = 6371.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_globe() {
        let between = |a: (f64, f64), b: (f64, f64)| distance(a.0, a.1, b.0, b.1);
        assert!((between((13.405, 52.52), (2.352, 48.857)) - 877.5).abs() < 1.0, "Berlin to Paris");
        assert!(between((23.4, 42.7), (23.4, 42.7)) < 0.001, "a place to itself");
        assert!((between((0.0, 90.0), (0.0, -90.0)) - 20015.0).abs() < 1.0, "pole to pole");
    }
}
