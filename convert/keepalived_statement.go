package convert

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// kaSaid is what is to be told of a statement; the zero value says that the document has it.
type kaSaid struct {
	level Level
	what  string
}

// kaSay is a kaSaid with words put in.
func kaSay(level Level, format string, args ...any) kaSaid {
	return kaSaid{level, fmt.Sprintf(format, args...)}
}

// always says it of a statement, whatever it is.
func (s kaSaid) always() func(*kaNode) kaSaid { return func(*kaNode) kaSaid { return s } }

// kaRemark is what is to be told of a line.
type kaRemark struct {
	at place
	kaSaid
}

// kaStatements reads statements by their first word.
type kaStatements map[string]func(n *kaNode) kaSaid

// kaRead reads the statements of a block: those that words know have no counterpart, and one that nobody knows is lost.
func kaRead(block *kaNode, statements kaStatements, words map[string]kaSaid) []kaRemark {
	block.read = true
	var remarks []kaRemark
	for _, n := range block.nodes {
		said, known := words[n.words[0]]
		if read, ok := statements[n.words[0]]; ok {
			said, known = read(n), true
		}
		if !known {
			said = kaSaid{Lost, "keepalived's " + block.words[0] + " has no such word"}
		}
		if said.what != "" {
			n.told = true
			remarks = append(remarks, kaRemark{n.at, said})
		}
	}
	return remarks
}

// kaOne reads a statement of one value; keepalived passes over what follows it without a word.
func kaOne(set func(value string) kaSaid) func(*kaNode) kaSaid {
	return func(n *kaNode) kaSaid {
		value := n.word(0)
		if value == "" {
			return kaSaid{Lost, "it has no value"}
		}
		said := set(value)
		if said.what == "" && len(n.words) > 2 {
			said = kaSaid{Hint, strconv.Quote(strings.Join(n.words[2:], " ")) + " behind the value means nothing"}
		}
		return said
	}
}

// kaYes reads a statement that says yes by being there, or whatever its value says.
func kaYes(set func(yes bool)) func(*kaNode) kaSaid {
	return func(n *kaNode) kaSaid {
		switch n.word(0) {
		case "", "on", "true", "yes":
			set(true)
		case "off", "false", "no":
			set(false)
		default:
			return kaSaid{Lost, "it is on or off"}
		}
		return kaSaid{}
	}
}

// kaCount reads a whole number.
func kaCount(least, most int, set func(n int)) func(*kaNode) kaSaid {
	return kaOne(func(value string) kaSaid {
		n, err := strconv.Atoi(value)
		if err != nil || n < least || n > most {
			return kaSaid{Lost, "not a number from " + strconv.Itoa(least) + " to " + strconv.Itoa(most)}
		}
		set(n)
		return kaSaid{}
	})
}

// kaMostTimer is the longest time that the kernel, and so keepalived, counts anything.
const kaMostTimer = 31 * 24 * time.Hour

// kaTimer reads seconds with a fraction.
func kaTimer(set func(d time.Duration)) func(*kaNode) kaSaid {
	return kaOne(func(value string) kaSaid {
		d, err := time.ParseDuration(value + "s")
		if err != nil || strings.Trim(value, "0123456789.") != "" || d > kaMostTimer {
			return kaSaid{Lost, "not a number of seconds within 31 days"}
		}
		set(d)
		return kaSaid{}
	})
}

// kaSet reads a word.
func kaSet(set func(value string)) func(*kaNode) kaSaid {
	return kaOne(func(value string) kaSaid {
		set(value)
		return kaSaid{}
	})
}
