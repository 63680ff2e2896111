use super::{
    super::{
        lanes,
        powers::{inverse, roots},
    },
    *,
};
use crate::world::rng;
use rand::{Rng, rngs::StdRng};

/// Numbers below 2^256: random ones, and those around every limit.
fn any(rng: &mut StdRng) -> U256 {
    let near = match rng.random_range(0..5) {
        0 => U256::ONE << rng.random_range(0..256),
        1 => P,
        2 => U256::ZERO,
        3 => P >> rng.random_range(0..256),
        _ => U256::from_limbs(rng.random()),
    };
    near.wrapping_add(U256::from(rng.random_range(0..4))).wrapping_sub(U256::from(rng.random_range(0..4)))
}

/// What is computed lane by lane must be this, modulo p.
fn check(of: &str, got: &Fe, expected: impl Fn(usize) -> U256) {
    // SAFETY: called by `behave` only.
    let got = unsafe { got.numbers() };
    for (lane, got) in got.into_iter().enumerate() {
        assert_eq!(got, expected(lane) % P, "{of}, lane {lane}");
    }
}

fn mul(a: U256, b: U256) -> U256 {
    a.mul_mod(b, P)
}

fn add(a: U256, b: U256) -> U256 {
    a.add_mod(b, P)
}

fn minus(a: U256) -> U256 {
    P - a % P
}

#[test]
fn eight_numbers_behave_as_one() {
    if lanes::exist() {
        // SAFETY: the processor has the features.
        unsafe { behave() };
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn behave() {
    let mut rng = rng(1);
    // The largest that is tight.
    let top = Fe([all(LOW), all(LOW), all(LOW), all(LOW), all(TOP + 1024)]);
    for round in 0..3_000 {
        let [mut a, mut b, mut c]: [[U256; LANES]; 3] = std::array::from_fn(|_| std::array::from_fn(|_| any(&mut rng)));
        let [mut x, mut y, mut z] = [Fe::new(&a), Fe::new(&b), Fe::new(&c)];
        if round % 100 == 0 {
            [x, y, z] = [top; 3];
            a = top.numbers();
            (b, c) = (a, a);
        }
        // Again with results, which may be p or more.
        for _ in 0..4 {
            check("new", &x, |l| a[l]);
            check("mul", &x.mul(&y), |l| mul(a[l], b[l]));
            check("sqr", &x.sqr(), |l| mul(a[l], a[l]));
            check("mul_mul", &Fe::mul_mul(&x, &y, &y, &z), |l| add(mul(a[l], b[l]), mul(b[l], c[l])));
            let fifteen = |n: &Loose| n.shl::<3>().add(&n.shl::<2>()).add(&n.shl::<1>()).add(n);
            let most = fifteen(&x.mul_loose(&y)).sub(&fifteen(&y.mul_loose(&z))).tight();
            check("fifteen products", &most, |l| mul(U256::from(15), add(mul(a[l], b[l]), minus(mul(b[l], c[l])))));
            check("minus fifteen", &fifteen(&z.sqr_loose()).negate(Mask::MAX).tight(), |l| {
                minus(mul(U256::from(15), mul(c[l], c[l])))
            });
            check("nothing", &x.loose().sub(&x.loose()).tight(), |_| U256::ZERO);
            let some = Fe::select(0b0101_0011, &x, &y.loose().negate(0b1001_1010).tight());
            check("select", &some, |l| match (0b0101_0011 >> l & 1, 0b1001_1010 >> l & 1) {
                (1, _) => a[l],
                (_, 1) => minus(b[l]),
                _ => b[l],
            });
            let lanes = |is: &dyn Fn(U256) -> bool| (0..LANES).fold(0, |mask, l| mask | Mask::from(is(a[l] % P)) << l);
            assert_eq!(x.zeros(), lanes(&|n| n.is_zero()));
            assert_eq!(x.odds(), lanes(&|n| n.bit(0)));
            let next = [most, x.mul(&y), x.loose().sub(&z.loose()).tight()];
            for l in 0..LANES {
                let last = add(a[l], minus(c[l]));
                [a[l], b[l], c[l]] =
                    [mul(U256::from(15), add(mul(a[l], b[l]), minus(mul(b[l], c[l])))), mul(a[l], b[l]), last];
            }
            [x, y, z] = next;
        }
    }
    for _ in 0..30 {
        let a: [U256; LANES] = std::array::from_fn(|_| any(&mut rng));
        let x = Fe::new(&a);
        check("inverse", &inverse(&x), |l| (a[l] % P).inv_mod(P).unwrap_or_default());
        let (squares, more) = (x.sqr(), x.sqr().sqr());
        for (root, square) in roots(&[squares, more, squares]).iter().zip([squares, more, squares]) {
            let square = square.numbers();
            check("root", &root.sqr(), |l| square[l]);
        }
    }
}
