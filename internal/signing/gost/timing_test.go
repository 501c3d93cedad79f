package gost

import (
	"math"
	mrand "math/rand/v2"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/needs"
)

// TestTiming looks for a dependence of a signature's time on its secrets, by the method of Reparaz, Balasch and Verbauwhede,
// "Dude, is my code constant time?" (2016): times of one extreme and of random secrets, taken in random order, are compared by
// Welch's t-test. It can find a leak, not prove that there is none. It runs when ALMASU_TIMING=1, on a quiet machine.
func TestTiming(t *testing.T) {
	needs.Campaign(t, "ALMASU_TIMING")
	const samples = 20000
	c := ParamSetA512()
	digest := make([]byte, 64)
	digest[5] = 1
	fixed, extreme := newKey(t, c), elem{1}
	for name, secrets := range map[string]func(odd bool) (*PrivateKey, elem){
		"nonce": func(odd bool) (*PrivateKey, elem) {
			if odd {
				return fixed, c.q.enter(&extreme)
			}
			return fixed, c.q.enter(&newKey(t, c).d)
		},
		"key": func(odd bool) (*PrivateKey, elem) {
			nonce := newKey(t, c).d
			if odd {
				return &PrivateKey{extreme, fixed.public}, c.q.enter(&nonce)
			}
			return &PrivateKey{newKey(t, c).d, fixed.public}, c.q.enter(&nonce)
		},
	} {
		var n, sum, squares [2]float64
		for range samples {
			class := mrand.IntN(2)
			key, nonce := secrets(class == 1)
			start := time.Now()
			key.signWith(&nonce, digest)
			d := float64(time.Since(start).Nanoseconds())
			if d > 400_000 {
				continue // interrupted by the system
			}
			n[class]++
			sum[class] += d
			squares[class] += d * d
		}
		var mean, variance [2]float64
		for i := range n {
			mean[i] = sum[i] / n[i]
			variance[i] = squares[i]/n[i] - mean[i]*mean[i]
		}
		score := (mean[0] - mean[1]) / math.Sqrt(variance[0]/n[0]+variance[1]/n[1])
		t.Logf("%s: %.0f ns with random secrets, %.0f ns with an extreme one, t = %.2f", name, mean[0], mean[1], score)
		if math.Abs(score) > 10 {
			t.Errorf("%s: the time depends on the secret", name)
		}
	}
}
