package config

import (
	"math"
	"time"

	"github.com/zclconf/go-cty/cty"
)

// checkField is how an attribute of a check is read and what it says; cty.NilVal is nothing.
type checkField struct {
	form Form
	read func(*Check) func(value)
	get  func(Check) cty.Value
}

func ofText[T ~string](at func(*Check) *T) checkField {
	return checkField{Text, func(c *Check) func(value) { return setText(at(c)) }, func(c Check) cty.Value { return textOrNone(string(*at(&c))) }}
}

func textOrNone(s string) cty.Value {
	if s == "" {
		return cty.NilVal
	}
	return cty.StringVal(s)
}

func ofNumber(at func(*Check) *int) checkField {
	return checkField{Number, func(c *Check) func(value) { return setInt(at(c)) }, func(c Check) cty.Value { return numberOr0(*at(&c)) }}
}

func numberOr0(n int) cty.Value {
	if n == 0 {
		return cty.NilVal
	}
	return cty.NumberIntVal(int64(n))
}

func ofDuration(at func(*Check) *time.Duration) checkField {
	return checkField{Text, func(c *Check) func(value) { return setDuration(at(c)) }, func(c Check) cty.Value { return textOrNone(writtenOr(*at(&c), "")) }}
}

func ofTruth(at func(*Check) *bool) checkField {
	return checkField{Truth, func(c *Check) func(value) { return setBool(at(c)) }, func(c Check) cty.Value {
		if !*at(&c) {
			return cty.NilVal
		}
		return cty.True
	}}
}

func ofTexts(at func(*Check) *[]string) checkField {
	return checkField{Texts, func(c *Check) func(value) { return setTexts(at(c)) }, func(c Check) cty.Value {
		var list []cty.Value
		for _, s := range *at(&c) {
			list = append(list, cty.StringVal(s))
		}
		if list == nil {
			return cty.NilVal
		}
		return cty.TupleVal(list)
	}}
}

func ofMap(at func(*Check) *map[string]string) checkField {
	return checkField{TextMap, func(c *Check) func(value) {
		return func(v value) { v.textMap(func(m map[string]string) { *at(c) = m }) }
	}, func(c Check) cty.Value {
		values := map[string]cty.Value{}
		for name, s := range *at(&c) {
			values[name] = cty.StringVal(s)
		}
		if len(values) == 0 {
			return cty.NilVal
		}
		return cty.ObjectVal(values)
	}}
}

// The fields that are written otherwise than they are kept.
var (
	statusField = checkField{Text, func(c *Check) func(value) {
		return func(v value) { v.statuses(func(s []StatusRange) { c.Status = s }) }
	}, func(c Check) cty.Value { return textOrNone(statusText(c.Status)) }}

	verifyField = checkField{Truth, func(c *Check) func(value) {
		return func(v value) { v.boolean(func(b bool) { c.NoVerify = !b }) }
	}, func(c Check) cty.Value {
		if !c.NoVerify {
			return cty.NilVal
		}
		return cty.False
	}}

	portField = checkField{Number, func(c *Check) func(value) {
		return func(v value) { v.number(1, math.MaxUint16, func(n int64) { c.Port = uint16(n) }) }
	}, func(c Check) cty.Value { return numberOr0(int(c.Port)) }}
)
