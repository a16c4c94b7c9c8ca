package bench

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// keyDigits is the width of a key's number.
const keyDigits = 12

// appendKey appends prefix and n in twelve digits.
func appendKey(dst []byte, prefix string, n int64) []byte {
	dst = append(dst, prefix...)
	return appendPadded(dst, n)
}

func appendPadded(dst []byte, n int64) []byte {
	var d [keyDigits]byte
	for i := keyDigits - 1; i >= 0; i-- {
		d[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, d[:]...)
}

// chooser draws key numbers in [0, keys). One goroutine uses it.
type chooser interface {
	next() int64
}

// newChooser returns the chooser that o asks for. Workers differ by stream.
func newChooser(o Options, rng *rand.Rand) chooser {
	if o.Distribution == Zipfian {
		return &scrambled{zipf: newZipf(o.Keys, o.ZipfExponent, rng), perm: newPermutation(o.Keys, o.Seed)}
	}
	return &uniform{n: o.Keys, rng: rng}
}

type uniform struct {
	n   int64
	rng *rand.Rand
}

func (u *uniform) next() int64 { return u.rng.Int64N(u.n) }

// scrambled is a zipfian choice whose popular keys lie anywhere.
type scrambled struct {
	zipf *zipf
	perm permutation
}

func (s *scrambled) next() int64 { return s.perm.apply(s.zipf.next()) }

// zipf draws ranks in [0, n) with P(rank k) proportional to 1/(k+1)^s, for any
// s > 0, by rejection-inversion (W. Hörmann, G. Derflinger, "Rejection-inversion
// to generate variates from monotone discrete distributions", 1996). Unlike
// the tables that YCSB uses it needs no sum over all n, and unlike
// math/rand.Zipf it takes s <= 1.
type zipf struct {
	n    float64
	s    float64
	hx1  float64 // H(1.5) - 1
	hn   float64 // H(n + 0.5)
	skip float64 // a candidate nearer than this to its rank needs no test
	rng  *rand.Rand
}

func newZipf(n int64, s float64, rng *rand.Rand) *zipf {
	z := &zipf{n: float64(n), s: s, rng: rng}
	z.hx1 = z.integral(1.5) - 1
	z.hn = z.integral(z.n + 0.5)
	z.skip = 2 - z.inverse(z.integral(2.5)-z.weight(2))
	return z
}

func (z *zipf) next() int64 {
	for {
		u := z.hn + z.rng.Float64()*(z.hx1-z.hn)
		x := z.inverse(u)
		k := min(max(math.Floor(x+0.5), 1), z.n)
		if k-x <= z.skip || u >= z.integral(k+0.5)-z.weight(k) {
			return int64(k) - 1
		}
	}
}

// weight is x^-s.
func (z *zipf) weight(x float64) float64 { return math.Exp(-z.s * math.Log(x)) }

// integral is H(x), an antiderivative of weight: (x^(1-s) - 1) / (1-s), and
// log x for s = 1, without losing digits near s = 1.
func (z *zipf) integral(x float64) float64 {
	l := math.Log(x)
	return expm1Over(l*(1-z.s)) * l
}

// inverse is the x with H(x) = y.
func (z *zipf) inverse(y float64) float64 {
	t := max(y*(1-z.s), -1) // below -1 only by rounding
	return math.Exp(log1pOver(t) * y)
}

// expm1Over is (e^t - 1)/t, 1 at t = 0.
func expm1Over(t float64) float64 {
	if math.Abs(t) > 1e-8 {
		return math.Expm1(t) / t
	}
	return 1 + t/2
}

// log1pOver is log(1+t)/t, 1 at t = 0.
func log1pOver(t float64) float64 {
	if math.Abs(t) > 1e-8 {
		return math.Log1p(t) / t
	}
	return 1 - t/2
}

// permutation is a bijection of [0, n): a four-round Feistel network over the
// next even number of bits, walked until it lands inside. The network's domain
// is less than four times n, so a walk takes under four steps on average.
type permutation struct {
	n    uint64
	half uint // bits of each half
	mask uint64
	seed uint64
}

func newPermutation(n int64, seed uint64) permutation {
	half := uint(bits.Len64(uint64(n-1))+1) / 2
	half = max(half, 1)
	return permutation{n: uint64(n), half: half, mask: 1<<half - 1, seed: seed}
}

// apply REQUIRES: 0 <= v < n.
func (p permutation) apply(v int64) int64 {
	x := uint64(v)
	for {
		l, r := x>>p.half, x&p.mask
		for round := range uint64(4) {
			l, r = r, l^(mix(r+p.seed+round<<56)&p.mask)
		}
		x = l<<p.half | r
		if x < p.n {
			return int64(x)
		}
	}
}

// mix is the finisher of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
