package convert

import (
	"fmt"
	"time"

	"polso/config"
)

// kaTiming is when a server is asked; what is negative has not been said.
type kaTiming struct {
	every   time.Duration // delay_loop
	timeout time.Duration // connect_timeout
	pause   time.Duration // delay_before_retry
	retry   int
}

func kaNoTiming() kaTiming { return kaTiming{-1, -1, -1, -1} }

// or fills in what has not been said.
func (t kaTiming) or(base kaTiming) kaTiming {
	if t.every < 0 {
		t.every = base.every
	}
	if t.timeout < 0 {
		t.timeout = base.timeout
	}
	if t.pause < 0 {
		t.pause = base.pause
	}
	if t.retry < 0 {
		t.retry = base.retry
	}
	return t
}

func (t *kaTiming) setTimeout(d time.Duration) { t.timeout = d }

// kaMostRetries keeps the number of probes that make a server down within what a check may have.
const kaMostRetries = 999

func (t *kaTiming) statements() kaStatements {
	retry := kaCount(0, kaMostRetries, func(n int) { t.retry = n })
	return kaStatements{
		"delay_loop":         kaTimer(func(d time.Duration) { t.every = d }),
		"connect_timeout":    kaTimer(t.setTimeout),
		"delay_before_retry": kaTimer(func(d time.Duration) { t.pause = d }),
		"retry":              retry,
		"nb_get_retry":       retry,
	}
}

// The shortest and longest that a check may take.
const (
	kaLeastEvery   = 100 * time.Millisecond
	kaMostEvery    = time.Hour
	kaLeastTimeout = 10 * time.Millisecond
)

// apply puts the timing into a check, and says what becomes different. keepalived asks again as often as retry says, at a
// pace of its own, before it takes a server out; the first success brings it back.
func (t kaTiming) apply(c *config.Check) []kaSaid {
	var said []kaSaid
	if t.pause < 0 {
		t.pause = t.every
	}
	c.Every = min(max(t.every, kaLeastEvery), kaMostEvery)
	if c.Every != t.every {
		said = append(said, kaSay(Changed, "every %s instead of %s: a check goes from %s to %s", kaSeconds(c.Every), kaSeconds(t.every), kaSeconds(kaLeastEvery), kaSeconds(kaMostEvery)))
	}
	c.Timeout = min(max(t.timeout, kaLeastTimeout), c.Every)
	if c.Timeout != t.timeout {
		said = append(said, kaSay(Changed, "timeout %s instead of %s: it goes from %s to what every says", kaSeconds(c.Timeout), kaSeconds(t.timeout), kaSeconds(kaLeastTimeout)))
	}
	c.Rise, c.Fall = 1, t.retry+1
	if t.retry == 0 {
		return said
	}
	switch fast := max(t.pause, c.Timeout, kaLeastEvery); {
	case t.pause > c.Every:
		was, is := t.every+time.Duration(t.retry)*t.pause, time.Duration(c.Fall)*c.Every
		said = append(said, kaSay(Changed, "asked every %s after a failure too, not every %s: a server that fails is out within %s instead of %s", kaSeconds(c.Every), kaSeconds(t.pause), kaSeconds(is), kaSeconds(was)))
	default:
		if fast != t.pause {
			said = append(said, kaSay(Hint, "asked again %s after a failure, since that is how long an answer may take; keepalived begins to wait %s when it has failed", kaSeconds(fast), kaSeconds(t.pause)))
		}
		if fast < c.Every {
			c.Fast = fast
		}
	}
	return said
}

// kaSeconds is a duration as keepalived writes it.
func kaSeconds(d time.Duration) string { return fmt.Sprintf("%gs", d.Seconds()) }
