package gost

// tableRow holds 1, 2, ... 15 times 16^i times the base point.
type tableRow [15]affine

// baseTable returns the rows for all windows of four bits of a scalar. It is built at a curve's first use, which takes about
// 2 ms and 250 kB for 512 bits.
func (c *Curve) baseTable() []tableRow {
	c.tableOnce.Do(func() {
		rows := 16 * c.q.n
		pts := make([]point, 0, 15*rows)
		step := c.project(&c.g)
		for range rows {
			pt := step
			for range 15 {
				pts = append(pts, pt)
				c.add(&pt, &pt, &step)
			}
			step = pt
		}
		flat := c.toAffine(pts)
		c.table = make([]tableRow, rows)
		for i := range c.table {
			copy(c.table[i][:], flat[15*i:])
		}
	})
	return c.table
}

// baseMultiply returns k times the base point for a secret k below the order. Every entry of the table is read
// whatever k is.
func (c *Curve) baseMultiply(k *elem) point {
	table := c.baseTable()
	acc := c.infinity()
	for i := range table {
		w := k.window(i)
		pick := table[i][0]
		for j := 1; j < 15; j++ {
			same := equal(w, uint64(j+1))
			pick.x.choose(same, &table[i][j].x, &pick.x)
			pick.y.choose(same, &table[i][j].y, &pick.y)
		}
		var sum point
		c.addAffine(&sum, &acc, &pick)
		none := equal(w, 0)
		acc.x.choose(none, &acc.x, &sum.x)
		acc.y.choose(none, &acc.y, &sum.y)
		acc.z.choose(none, &acc.z, &sum.z)
	}
	return acc
}

// equal returns 1 if x and y are equal, and 0 otherwise.
func equal(x, y uint64) uint64 {
	d := x ^ y
	return 1 ^ (d|-d)>>63
}

// combine returns u times the base point plus v times q, for public numbers: its time depends on all of them.
func (c *Curve) combine(u, v *elem, q *affine) point {
	base := &c.baseTable()[0]
	var odd [8]point // 1, 3, ... 15 times q
	odd[0] = c.project(q)
	var twice point
	c.double(&twice, &odd[0])
	for i := 1; i < len(odd); i++ {
		c.add(&odd[i], &odd[i-1], &twice)
	}
	du, dv := signedDigits(u), signedDigits(v)
	acc := c.infinity()
	for i := 64 * c.q.n; i >= 0; i-- {
		c.double(&acc, &acc)
		if d := du[i]; d > 0 {
			c.addAffine(&acc, &acc, &base[d-1])
		} else if d < 0 {
			t := base[-d-1]
			c.p.sub(&t.y, &elem{}, &t.y)
			c.addAffine(&acc, &acc, &t)
		}
		if d := dv[i]; d > 0 {
			c.add(&acc, &acc, &odd[d/2])
		} else if d < 0 {
			t := odd[-d/2]
			c.p.sub(&t.y, &elem{}, &t.y)
			c.add(&acc, &acc, &t)
		}
	}
	return acc
}

// signedDigits returns the non-adjacent form of k of width 5: the digits at the powers of two, each 0 or odd
// between -15 and 15. Its time depends on k.
func signedDigits(k *elem) (d [513]int8) {
	bit := func(i int) int {
		if i >= 512 {
			return 0
		}
		return int(k[i/64] >> (i % 64) & 1)
	}
	carry := 0
	for i := 0; i < len(d); i++ {
		if bit(i)+carry != 1 {
			carry = carry & bit(i)
			continue
		}
		w := 1
		for j := 1; j < 5; j++ {
			w += bit(i+j) << j
		}
		carry = 0
		if w > 15 {
			w -= 32
			carry = 1
		}
		d[i] = int8(w)
		i += 4
	}
	return d
}
