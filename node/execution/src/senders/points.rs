//! Points of y^2 = x^3 + 7, eight at a time, in Jacobian coordinates: (x / z^2, y / z^3).
//!
//! The formulas are incomplete: the sum of two points with the same x gets z = 0, which is not what it should be, but then z stays 0 to the
//! end, whatever is added, and so cannot be missed.
//!
//! Must not know: signatures, digits.

use super::{
    field::Fe,
    lanes::{Mask, V, all, equal},
};
use alloy_primitives::U256;

/// beta: a cube root of 1 modulo p. (beta x, y) is lambda (x, y).
const BETA: U256 =
    U256::from_limbs([0xc139_6c28_7195_01ee, 0x9cf0_4975_12f5_8995, 0x6e64_479e_ac34_34e9, 0x7ae9_6a2b_657c_0710]);

/// Multiples of a point that are looked up: 1 to 16.
pub(super) const MULTIPLES: usize = 16;

#[derive(Clone, Copy)]
pub(super) struct Affine {
    pub(super) x: Fe,
    pub(super) y: Fe,
}

#[derive(Clone, Copy)]
pub(super) struct Point {
    pub(super) x: Fe,
    pub(super) y: Fe,
    pub(super) z: Fe,
}

/// Multiples of a point with the same z, so that they are affine points of another curve, y^2 = x^3 + 7 z^6.
pub(super) struct Multiples {
    /// 1 to 16 times the point.
    pub(super) near: [Affine; MULTIPLES],
    /// The x of lambda times those.
    pub(super) far: [Fe; MULTIPLES],
    pub(super) z: Fe,
}

impl Multiples {
    /// Adds the point again and again, by additions of points with the same z (Meloni 2007), then brings all to the last z.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn new(of: &Affine) -> Self {
        let Affine { x, y } = of;
        let (xx, yy) = (x.sqr_loose(), y.sqr());
        let (slope, xyy) = (xx.shl::<1>().add(&xx).tight(), x.mul_loose(&yy));
        let mut z = y.loose().shl::<1>().tight();
        // The point, with the z of its double.
        let mut one = Affine { x: xyy.shl::<2>().tight(), y: yy.sqr_loose().shl::<3>().tight() };
        let double_x = slope.sqr_loose().sub(&xyy.shl::<3>()).tight();
        let double_y = slope.mul_loose(&one.x.loose().sub(&double_x.loose()).tight()).sub(&one.y.loose()).tight();
        let mut near = [Affine { x: double_x, y: double_y }; MULTIPLES];
        // What z was multiplied by to get that of the next.
        let mut ratios = [z; MULTIPLES];
        for at in 2..MULTIPLES {
            let Affine { x, y } = near[at - 1];
            let dx = one.x.loose().sub(&x.loose()).tight();
            let dy = one.y.loose().sub(&y.loose()).tight();
            let c = dx.sqr();
            let (w1, w2) = (one.x.mul(&c), x.mul_loose(&c));
            one = Affine { x: w1, y: one.y.mul(&w1.loose().sub(&w2).tight()) };
            let x = dy.sqr_loose().sub(&w1.loose()).sub(&w2).tight();
            let y = dy.mul_loose(&w1.loose().sub(&x.loose()).tight()).sub(&one.y.loose()).tight();
            near[at] = Affine { x, y };
            ratios[at - 1] = dx;
            z = z.mul(&dx);
        }
        near[0] = one;
        let mut ratio = ratios[MULTIPLES - 2];
        for at in (1..MULTIPLES - 1).rev() {
            let square = ratio.sqr();
            near[at] = Affine { x: near[at].x.mul(&square), y: near[at].y.mul(&square.mul(&ratio)) };
            ratio = ratio.mul(&ratios[at - 1]);
        }
        let beta = Fe::all(BETA);
        let mut far = [one.x; MULTIPLES];
        for (far, near) in far.iter_mut().zip(&near) {
            *far = near.x.mul(&beta);
        }
        Self { near, far, z }
    }

    /// `size` times the point, in each lane. Some point for 0.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn near(&self, sizes: V) -> Affine {
        let mut found = self.near[0];
        for (size, point) in (1..).zip(&self.near) {
            let mask = equal(sizes, all(size));
            found = Affine { x: Fe::select(mask, &point.x, &found.x), y: Fe::select(mask, &point.y, &found.y) };
        }
        found
    }

    /// `size` times lambda times the point, in each lane. Some point for 0.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn far(&self, sizes: V) -> Affine {
        let mut found = Affine { x: self.far[0], y: self.near[0].y };
        for (size, (x, point)) in (1..).zip(self.far.iter().zip(&self.near)) {
            let mask = equal(sizes, all(size));
            found = Affine { x: Fe::select(mask, x, &found.x), y: Fe::select(mask, &point.y, &found.y) };
        }
        found
    }
}

impl Point {
    /// 3 M + 4 S.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn double(&self) -> Self {
        // What others wait for comes first, what nobody waits for fills their gaps.
        let (yy, xx) = (self.y.sqr(), self.x.sqr());
        let (xyy, xxxx) = (self.x.mul_loose(&yy), xx.sqr_loose());
        let x = xxxx.shl::<3>().add(&xxxx).sub(&xyy.shl::<3>()).tight();
        let yyyy = yy.sqr_loose();
        let w = xyy.shl::<2>().sub(&x.loose()).tight();
        let yz = self.y.mul_loose(&self.z);
        let xxw = xx.mul_loose(&w);
        let y = xxw.shl::<1>().add(&xxw).sub(&yyyy.shl::<3>()).tight();
        Self { x, y, z: yz.shl::<1>().tight() }
    }

    /// Adds `other`, its negative in the lanes of `negative`, nothing in the lanes of `none`. `z` is this point's own z, times what takes
    /// the coordinates of `other` to this curve. 8 M + 3 S.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn add(&self, other: &Affine, z: &Fe, negative: Mask, none: Mask) -> Self {
        let zz = z.sqr();
        let zzz = zz.mul(z);
        let u = other.x.mul_loose(&zz);
        let s = other.y.mul_loose(&zzz);
        let h = u.sub(&self.x.loose()).tight();
        let r = s.negate(negative).sub(&self.y.loose()).tight();
        let hh = h.sqr();
        let hhh = h.mul_loose(&hh);
        let v = self.x.mul_loose(&hh);
        let rr = r.sqr_loose();
        let z = self.z.mul(&h);
        let x = rr.sub(&hhh).sub(&v.shl::<1>()).tight();
        let y = Fe::mul_mul(&r, &v.sub(&x.loose()).tight(), &self.y, &hhh.negate(Mask::MAX).tight());
        Self { x: Fe::select(none, &self.x, &x), y: Fe::select(none, &self.y, &y), z: Fe::select(none, &self.z, &z) }
    }
}
